/// @file
/// A timer service that its owner polls: a run loop, a worker of a pool, or a thread of its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

#include <cadre/detail/scheduler/timer_service.hpp>

namespace cadre::detail {

/// A binary heap of intrusive nodes; arming and disarming in O(log n). Thread-safe.
class timer_heap : public timer_service {
public:
    static constexpr std::size_t npos = static_cast<std::size_t>(-1);

    void add(timer_node& node) override;
    [[nodiscard]] bool cancel(timer_node& node) noexcept override;

    /// Fires the timers that are due at `now`. @return whether there were any
    bool fire_due(steady_time now) noexcept;
    /// The earliest deadline.
    [[nodiscard]] std::optional<steady_time> next() const noexcept;
    /// A hint without the lock.
    [[nodiscard]] bool empty() const noexcept { return size_hint_.load(std::memory_order_acquire) == 0; }

protected:
    /// `when` is the new earliest deadline: a thread that sleeps beyond it must be woken. Called without the lock.
    virtual void earlier(steady_time /*when*/) noexcept {}

private:
    void set(std::size_t i, timer_node* node) noexcept;
    void sift_up(std::size_t i) noexcept;
    void sift_down(std::size_t i) noexcept;
    void remove(std::size_t i) noexcept;

    mutable std::mutex mutex_;  // a leaf; timers fire without it
    std::vector<timer_node*> heap_;
    std::atomic<std::size_t> size_hint_{
        0};  // written under the mutex: seq_cst by `add`, for a loop that is about to sleep
};

}  // namespace cadre::detail
