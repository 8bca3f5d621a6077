/// @file
/// The text of a progress bar.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace cadre::detail {

/// The progress of some work. `total` 0: unknown.
struct progress_state {
    std::string_view title;
    std::size_t done = 0;
    std::size_t total = 0;
    double rate = 0;  ///< items a second; 0: unknown
    std::chrono::nanoseconds elapsed{0};
};

/// "decoding  42% [====>     ] 420/1000  35.2/s  16s left", no wider than `width` columns. What has no room is left
/// out: first the bar, then the details from the right.
[[nodiscard]] std::string progress_line(const progress_state& state, std::size_t width);
/// "decoding: 420/1000 (42%), 35.2/s, 16s left", for a log.
[[nodiscard]] std::string progress_log_line(const progress_state& state);

}  // namespace cadre::detail
