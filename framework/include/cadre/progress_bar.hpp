/// @file
/// `progress_bar`: shows the progress of a map.
///
///     cadre::progress_bar bar{"decoding"};
///     auto texts = co_await cadre::map(ex, decode, files, {.progress = bar});
#pragma once

#include <cstddef>
#include <string>

#include <cadre/detail/base/owning_pointer.hpp>

namespace cadre {

/// A callable for `map_options::progress`. On a terminal standard error shows a bar with the rate and the time left,
/// redrawn at most ten times a second, in a line of its own at the bottom: what this program, its workers and others
/// print scrolls above it. Elsewhere (a file, a pipe, a dumb terminal) it writes a line every ten seconds. The line is
/// removed, and a summary printed, when the bar is destroyed. Several bars may be shown at a time. All members are
/// thread-safe.
class progress_bar {
public:
    explicit progress_bar(std::string title);
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;
    ~progress_bar();

    /// `done` of `total` items have ended; `total` 0: their number is unknown.
    void operator()(std::size_t done, std::size_t total);

private:
    struct state;
    detail::owning_pointer<state> state_;
};

}  // namespace cadre
