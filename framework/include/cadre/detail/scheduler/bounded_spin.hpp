/// @file
/// Waiting a moment before suspending, where another worker is about to bring what is missing.
#pragma once

#include <chrono>

#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>

namespace cadre::detail {

/// Looks now and then whether `done()`, as long as this worker has nothing else to do and another one works; for no longer than
/// it costs to suspend here and be resumed (competitive spinning: Karlin et al., SODA 1990). The first look is not at once, and
/// the next ones ever later: what comes one by one meanwhile adds up to many, and many cost little more than one, because
/// what each look costs is the cache line that it takes away from the other worker. @return whether it is done
template <class F>
[[nodiscard]] [[gnu::noinline]] bool bounded_spin(F done) noexcept {
    constexpr std::chrono::nanoseconds first_look{500};
    constexpr int looks = 3;
    local_worker* const worker = this_thread_worker;
    if (worker == nullptr) return false;
    auto next = std::chrono::steady_clock::now();
    for (int look = 0; look < looks && worker->waits_for_others(); ++look) {
        next += first_look * (1 << look);
        while (std::chrono::steady_clock::now() < next)
            for (int i = 0; i < 4; ++i)
                cpu_relax();
        if (done()) return true;
    }
    return false;
}

}  // namespace cadre::detail
