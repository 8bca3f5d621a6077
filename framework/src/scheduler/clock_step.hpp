/// @file
/// What a driver does with virtual clocks before it sleeps.
#pragma once

#include <optional>

#include <cadre/detail/scheduler/timer_service.hpp>

namespace cadre::detail {

/// What a driver has seen of all loops of the process, and of work elsewhere.
struct clock_snapshot {
    bool ready = false;  ///< a loop that this driver may run has work
    bool elsewhere = false;  ///< work on threads, in other processes or in a reactor may post to a loop
    bool waits = false;  ///< a task of a loop with a control has not ended
    std::optional<steady_time::duration> real{};  ///< until the earliest timer of the real clock is due
    std::optional<steady_time::duration> virtual_time{};  ///< until the earliest timer of a virtual clock is due
};

enum class clock_step {
    run,  ///< the driver runs the loops
    sleep,  ///< something else will wake the driver, or nobody waits
    follow,  ///< virtual clocks pass as real time does, because something may happen before their next timer
    advance,  ///< the virtual clock with the earliest timer moves there
    deadlock,  ///< nothing can wake a task that waits
};

[[nodiscard]] constexpr clock_step choose_step(const clock_snapshot& seen) noexcept {
    if (seen.ready) return clock_step::run;
    if (seen.virtual_time) {
        const bool real_is_earlier = seen.real && *seen.real < *seen.virtual_time;
        return seen.elsewhere || real_is_earlier ? clock_step::follow : clock_step::advance;
    }
    return seen.waits && !seen.elsewhere && !seen.real ? clock_step::deadlock : clock_step::sleep;
}

}  // namespace cadre::detail
