/// @file
/// Options of the serial executor.
///
///     cadre::executor ex = cadre::serial_executor{{.clock = cadre::clock_kind::virtual_time, .seed = 7}};
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace cadre {

/// The clock by which the tasks of a serial executor sleep.
enum class clock_kind : std::uint8_t {
    real_time,
    /// Sleeps and limits take no time: when no task is ready, the clock advances to the earliest of them.
    virtual_time,
};

struct serial_options {
    clock_kind clock = clock_kind::real_time;
    /// Draws the order in which ready tasks run; the same seed gives the same order. Without one they run
    /// first in, first out.
    std::optional<std::uint64_t> seed = std::nullopt;
    /// Shown in `executor::name()`, in reports and statistics. Copied by the executor. Default: `serial`.
    std::string_view name{};
};
static_assert(std::is_trivially_destructible_v<serial_options>);

}  // namespace cadre
