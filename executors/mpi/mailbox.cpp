#include "mpi/mailbox.hpp"

#include <ctime>
#include <utility>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cadre::detail::mpi {

void mailbox::add(request what) {
    const std::lock_guard lock(mutex_);
    added_.push_back(std::move(what));
    any_.store(true, std::memory_order_relaxed);
}

void mailbox::wake() noexcept {
    if (state_.exchange(notified, std::memory_order_acq_rel) == asleep) {
        ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&state_), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr,
                  nullptr, 0);
    }
}

void mailbox::take(std::vector<request>& into) {
    if (!any()) return;
    const std::lock_guard lock(mutex_);
    into.swap(added_);
    any_.store(false, std::memory_order_relaxed);
}

void mailbox::sleep(std::chrono::nanoseconds max_time) noexcept {
    static_assert(sizeof(state_) == sizeof(std::uint32_t));
    std::uint32_t expected = awake;
    if (state_.compare_exchange_strong(expected, asleep, std::memory_order_acq_rel)) {
        const timespec time{.tv_sec = static_cast<time_t>(max_time.count() / 1'000'000'000),
                            .tv_nsec = static_cast<long>(max_time.count() % 1'000'000'000)};
        ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&state_), FUTEX_WAIT | FUTEX_PRIVATE_FLAG, asleep, &time,
                  nullptr, 0);
    }
    state_.exchange(awake, std::memory_order_acq_rel);
}

}  // namespace cadre::detail::mpi
