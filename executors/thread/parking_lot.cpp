#include "parking_lot.hpp"

#include <chrono>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cadre::detail {

bool parking_place::park(std::optional<steady_time> deadline) noexcept {
    static_assert(sizeof(token_) == sizeof(std::uint32_t));
    timespec at{};
    if (deadline) {
        const auto since_start = std::chrono::nanoseconds(deadline->time_since_epoch()).count();
        at.tv_sec = static_cast<time_t>(since_start / 1'000'000'000);
        at.tv_nsec = static_cast<long>(since_start % 1'000'000'000);
    }
    while (token_.exchange(nothing, std::memory_order_acquire) == nothing) {
        // WAIT_BITSET takes an absolute time of the monotonic clock, which is the steady clock.
        const long r =
            ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&token_), FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0,
                      deadline ? &at : nullptr, nullptr, FUTEX_BITSET_MATCH_ANY);
        if (r != 0 && deadline && std::chrono::steady_clock::now() >= *deadline)
            return token_.exchange(nothing, std::memory_order_acquire) != nothing;
    }
    return true;
}

void parking_place::unpark() noexcept {
    const std::uint32_t before = token_.exchange(unparked, std::memory_order_acq_rel);
    if (before == inside)
        where_.load(std::memory_order_relaxed)->wake();
    else if (before == nothing)
        ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&token_), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr,
                  nullptr, 0);
}

bool parking_place::go_in(reactor& where) noexcept {
    where_.store(&where, std::memory_order_relaxed);
    std::uint32_t before = nothing;
    if (token_.compare_exchange_strong(before, inside, std::memory_order_acq_rel)) return true;
    come_out();
    return false;
}

}  // namespace cadre::detail
