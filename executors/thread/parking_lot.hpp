/// @file
/// Where idle workers of a pool sleep: a futex word each (futex(2)), so that exactly the chosen one is woken.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include <cadre/detail/scheduler/reactor.hpp>
#include <cadre/detail/scheduler/timer_service.hpp>

namespace cadre::detail {

/// One thread's place to sleep. A wake is kept if it comes first.
class parking_place {
public:
    /// Sleeps until `unpark` or `deadline`. @return whether it was unparked
    bool park(std::optional<steady_time> deadline) noexcept;
    void unpark() noexcept;
    /// The same by the thread itself, which is awake: in a handler of a reactor.
    void unpark_self() noexcept { token_.store(unparked, std::memory_order_relaxed); }

    /// From `go_in` to `come_out` an `unpark` wakes `where` instead. @return false: a wake came first
    [[nodiscard]] bool go_in(reactor& where) noexcept;
    [[nodiscard]] bool woken() const noexcept { return token_.load(std::memory_order_relaxed) == unparked; }
    void come_out() noexcept { token_.exchange(nothing, std::memory_order_acquire); }

private:
    static constexpr std::uint32_t nothing = 0;
    static constexpr std::uint32_t unparked = 1;
    static constexpr std::uint32_t inside = 2;  // a reactor
    std::atomic<std::uint32_t> token_{nothing};
    std::atomic<reactor*> where_{nullptr};  // the same one ever after
};

}  // namespace cadre::detail
