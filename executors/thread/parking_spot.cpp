#include "parking_spot.hpp"

#include <chrono>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cadre::detail {

bool parking_spot::park(std::optional<steady_time> deadline) noexcept {
    static_assert(sizeof(token_) == sizeof(std::uint32_t));
    timespec at{};
    if (deadline) {
        const auto since_start = std::chrono::nanoseconds(deadline->time_since_epoch()).count();
        at.tv_sec = static_cast<time_t>(since_start / 1'000'000'000);
        at.tv_nsec = static_cast<long>(since_start % 1'000'000'000);
    }
    while (token_.exchange(empty, std::memory_order_acquire) == empty) {
        // WAIT_BITSET takes an absolute time of the monotonic clock, which is the steady clock.
        const long r =
            ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&token_), FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
                      empty, deadline ? &at : nullptr, nullptr, FUTEX_BITSET_MATCH_ANY);
        if (r != 0 && deadline && std::chrono::steady_clock::now() >= *deadline)
            return token_.exchange(empty, std::memory_order_acquire) != empty;
    }
    return true;
}

void parking_spot::unpark() noexcept {
    const std::uint32_t before = token_.exchange(notified, std::memory_order_acq_rel);
    if (before == in_reactor)
        where_.load(std::memory_order_relaxed)->wake();
    else if (before == empty)
        ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&token_), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr,
                  nullptr, 0);
}

bool parking_spot::enter_reactor(reactor& where) noexcept {
    where_.store(&where, std::memory_order_relaxed);
    std::uint32_t before = empty;
    if (token_.compare_exchange_strong(before, in_reactor, std::memory_order_acq_rel)) return true;
    leave_reactor();
    return false;
}

}  // namespace cadre::detail
