/// @file
/// The published status of a worker's loop: whether it sleeps, and on which CPU it runs.
#pragma once

#include "process/plane/call_memory.hpp"
#include "process/plane/supervisor_status_page.hpp"

#include <atomic>
#include <cstdint>

namespace cadre::detail::process_worker {

/// For the loop's thread, but for `sleeps_until_rung`.
class worker_status {
public:
    explicit worker_status(process_plane::control_block& control) noexcept : control_(control) {}

    // Full fence: pairs with worker_link::ring.
    void announce_sleep() noexcept { set(process_plane::worker_state::asleep); }
    void announce_awake() noexcept { set(process_plane::worker_state::awake); }
    /// Whether the control thread sleeps until it is rung.
    [[nodiscard]] bool control_thread_sleeps() const noexcept {
        return ring_control_thread_.load(std::memory_order_relaxed);
    }
    void ring_control_thread() noexcept {
        ring_control_thread_.store(false, std::memory_order_relaxed);
        process_plane::ring_commands(control_);
    }
    void publish_cpu() noexcept {
        const std::int32_t cpu = process_plane::current_cpu();
        if (control_.cpu.load(std::memory_order_relaxed) != cpu) control_.cpu.store(cpu, std::memory_order_relaxed);
    }

    /// For the control thread. `idle()`: the loop has sent nothing that the parent has not read; it takes the lock
    /// under which events are sent. @return false if there are unread results; else `command_bell` is rung when
    /// there are
    // Pairs with call_dispatcher::wake_control_thread_if_results_unread: the loop sends, and then loads the request. If
    // `idle` has missed an event, the lock orders the request before the sending. A loop that sleeps stores its state,
    // when it wakes, and fences.
    template <class Idle>
    [[nodiscard]] bool sleeps_until_rung(Idle idle) noexcept {
        ring_control_thread_.store(true, std::memory_order_relaxed);
        process_plane::full_fence();
        const std::uint64_t state = control_.state.load(std::memory_order_relaxed);
        if ((state & 3) == static_cast<std::uint64_t>(process_plane::worker_state::asleep) || idle()) return true;
        ring_control_thread_.store(false, std::memory_order_relaxed);
        return false;
    }

private:
    void set(process_plane::worker_state state) noexcept {
        control_.state.store(++changes_ << 2 | static_cast<std::uint64_t>(state), std::memory_order_relaxed);
        process_plane::full_fence();
    }

    process_plane::control_block& control_;
    std::uint64_t changes_ = 0;
    // | value | set by | when | order |
    // | --- | --- | --- | --- |
    // | true | control thread | before it checks whether the loop sleeps or has sent nothing | relaxed, then a full
    // fence |
    // | false | control thread | the loop may compute over unread events | relaxed |
    // | false | loop | it runs a function over unread events, and rings | relaxed |
    std::atomic<bool> ring_control_thread_{false};
};

}  // namespace cadre::detail::process_worker
