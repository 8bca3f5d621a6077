/// @file
/// What a serial loop with a virtual clock or a seed has in addition: see docs/design/virtual-time.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "virtual_timers.hpp"

#include <cadre/detail/coroutine/runnable.hpp>
#include <cadre/detail/coroutine/wait_note.hpp>
#include <cadre/detail/coroutine/waits_in_progress.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>

namespace cadre::detail {

/// Splitmix64: the same numbers on every compiler and standard library.
class seeded_numbers {
public:
    explicit seeded_numbers(std::uint64_t seed) noexcept : state_(seed) {}
    [[nodiscard]] std::uint64_t draw() noexcept {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    /// From 0 to `end` - 1.
    [[nodiscard]] std::size_t below(std::size_t end) noexcept { return static_cast<std::size_t>(draw() % end); }

private:
    std::uint64_t state_;
};

/// Used by the thread that drives the loop only, except `timers`.
class loop_control {
public:
    explicit loop_control(const loop_options& options)
        : virtual_time(options.virtual_time), seeded(options.seed.has_value()), numbers(options.seed.value_or(0)) {}

    const bool virtual_time;
    const bool seeded;
    seeded_numbers numbers;
    virtual_timers timers;
    std::vector<runnable> ready;  // of a seeded loop: all that is ready, in no order
    waits_in_progress waits;
    std::size_t turn = 0;  // of selects, without a seed

    /// Which of several ready operations a select tries first.
    [[nodiscard]] std::size_t next_turn() noexcept {
        return seeded ? static_cast<std::size_t>(numbers.draw() >> 1) : turn++;
    }
};

/// The earliest deadline of the process-wide timers, and whether one fires now: read in this order, so that a timer is
/// seen in one of the two. Neither starts them.
[[nodiscard]] std::optional<steady_time> next_default_timer() noexcept;
[[nodiscard]] bool default_timers_firing() noexcept;

/// If the process-wide timers have no thread, because the system had none left, the thread that polls the event sources
/// fires them: the earliest deadline then, and the firing of what is due.
[[nodiscard]] std::optional<steady_time> next_unattended_timer() noexcept;
bool fire_unattended_timers() noexcept;

/// The control of the loop that runs on this thread; null if it has none.
[[nodiscard]] loop_control* control_here() noexcept;

}  // namespace cadre::detail
