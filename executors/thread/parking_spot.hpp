/// @file
/// Where an idle worker of a pool sleeps: a futex word each (futex(2)), so that exactly the chosen worker is woken.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include <cadre/detail/scheduler/reactor.hpp>
#include <cadre/detail/scheduler/timer_service.hpp>

namespace cadre::detail {

/// The sleep of one thread. A wake before the sleep is stored: the next sleep returns at once.
///
/// The word `token_`. The owner is the thread that sleeps here, a waker is any thread.
///
///     state        changed by                        to           order
///     empty        owner, `park`: goes to sleep      empty        exchange, acquire
///                  waker, `unpark`: then FUTEX_WAKE  notified     exchange, acq_rel
///                  owner, `enter_reactor`            in_reactor   compare-exchange, acq_rel
///     in_reactor   waker, `unpark`: wakes the        notified     exchange, acq_rel
///                  reactor
///                  owner, `unpark_self`              notified     store, relaxed
///                  owner, `leave_reactor`            empty        exchange, acquire
///     notified     owner, at the end of its sleep    empty        exchange, acquire
///                  waker, `unpark`: nothing to wake  notified     exchange, acq_rel
///
/// The release of `unpark` pairs with the acquire of the owner's exchange: the owner sees what was published before the
/// wake.
class parking_spot {
public:
    /// Sleeps until `unpark` or `deadline`. @return whether it was unparked
    bool park(std::optional<steady_time> deadline) noexcept;
    /// Wakes the owner, or keeps the wake for its next sleep. Any thread.
    void unpark() noexcept;
    /// The same by the owner, which is awake, in a handler of its reactor.
    void unpark_self() noexcept { token_.store(notified, std::memory_order_relaxed); }

    /// From here to `leave_reactor` an `unpark` wakes `where`. @return false if the owner was unparked before
    [[nodiscard]] bool enter_reactor(reactor& where) noexcept;
    void leave_reactor() noexcept { token_.exchange(empty, std::memory_order_acquire); }
    [[nodiscard]] bool unparked() const noexcept { return token_.load(std::memory_order_relaxed) == notified; }

private:
    static constexpr std::uint32_t empty = 0;
    static constexpr std::uint32_t notified = 1;
    static constexpr std::uint32_t in_reactor = 2;
    std::atomic<std::uint32_t> token_{empty};
    std::atomic<reactor*> where_{nullptr};  // a pool has one reactor, so this is written with one value only
};

}  // namespace cadre::detail
