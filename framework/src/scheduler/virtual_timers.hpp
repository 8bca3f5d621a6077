/// @file
/// The timers of a loop whose clock a driver moves.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <cadre/detail/scheduler/timer_service.hpp>

namespace cadre::detail {

/// Begins at the real time, and does not advance until it is moved. Timers that are due at one time fire in the order
/// in which they were armed. Any thread adds and cancels; the thread that drives the loop does the rest.
///
/// The word `now_` is stored and loaded relaxed: it orders nothing.
class virtual_timers final : public timer_service {
public:
    virtual_timers() noexcept : now_(std::chrono::steady_clock::now()) {}
    virtual_timers(const virtual_timers&) = delete;
    virtual_timers& operator=(const virtual_timers&) = delete;
    /// Fires what is armed: actions that a task has left behind.
    ~virtual_timers() override;

    void add(timer_node& node) override;
    [[nodiscard]] bool cancel(timer_node& node) noexcept override;
    [[nodiscard]] steady_time now() const noexcept override { return now_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool virtual_time() const noexcept override { return true; }

    /// Fires the timers that are due. @return whether there were any
    bool fire_due() noexcept;
    [[nodiscard]] std::optional<steady_time> next() const noexcept;
    [[nodiscard]] bool due() const noexcept;
    /// Moves the clock forward; never back.
    void advance_to(steady_time t) noexcept;
    /// Moves the clock by the real time since the last call, if `stand_still` was not called in between.
    void pass_real_time() noexcept;
    void stand_still() noexcept { passing_since_.reset(); }

private:
    using key = std::pair<steady_time, std::size_t>;  // the number in `timer_node::index` makes it unique

    [[nodiscard]] timer_node* take_due() noexcept;

    std::atomic<steady_time> now_;
    std::optional<steady_time> passing_since_;
    mutable std::mutex mutex_;  // a leaf; timers fire without it
    std::map<key, timer_node*> armed_;
    std::size_t number_ = 0;
};

}  // namespace cadre::detail
