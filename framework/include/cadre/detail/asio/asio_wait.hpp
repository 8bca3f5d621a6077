/// @file
/// A task that waits for an operation of Asio: completion by any thread, cancellation, and resumption at home.
#pragma once

#include <atomic>
#include <coroutine>

#include <cadre/detail/asio/asio_strand.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/coroutine/wait_note.hpp>
#include <cadre/detail/coroutine/work_item.hpp>

namespace cadre::detail {

/// One awaited operation; part of the awaiter. The operation, its start and, if stop is requested, the item that emits
/// the cancellation at home each hold a reference to the wait; the release of the last one resumes the task, at home.
///
///     word    state  changed by                                                  to     order
///     holds_  any    the awaiting thread, before the start                       2      store, relaxed
///             n > 0  `on_stop`, with the stop tree's lock held, never from 0     n + 1  compare-exchange, acq_rel
///             n > 0  the end of the operation, of its start, of the emission     n - 1  fetch_sub, acq_rel
///     ended_  false  the end of the operation, any thread                        true   store, release
class asio_wait : public work_item {
public:
    asio_wait() noexcept = default;
    // Awaiters are moved only before they are awaited; nothing is in use then.
    asio_wait(asio_wait&&) noexcept : work_item() {}
    asio_wait& operator=(asio_wait&&) = delete;
    ~asio_wait();

    [[nodiscard]] asio_strand& strand() const noexcept { return *strand_; }
    /// The operation has ended, and has stored its result. Called once, by any thread.
    void end() noexcept;
    /// Drops a reference. For the strand: after `end`, outside of all steps.
    void release() noexcept;

protected:
    /// Before the operation starts. @return false if stop was requested: do not start it
    [[nodiscard]] bool arm(std::coroutine_handle<> task, environment* environment_of_task);
    /// After the start: registers for stop requests. @return false if the operation has ended already: do not suspend
    [[nodiscard]] bool commit() noexcept;
    /// In `await_resume`: deregisters; no other thread touches the wait afterwards.
    void settle() noexcept;
    /// After `settle`: whether the operation was not started, and whether its cancellation was requested.
    [[nodiscard]] bool refused() const noexcept { return refused_; }
    [[nodiscard]] bool cancellation_emitted() const noexcept { return emitted_; }

private:
    struct stop_listener : stop_node {
        asio_wait* self = nullptr;
    };
    struct own_step : asio_step {
        asio_wait* self = nullptr;
    };
    static void resume(work_item* item) noexcept;
    static void on_stop(stop_node* node, stop_reason why) noexcept;
    static wait_note describe(const stop_node& listener) noexcept;
    static const bool described;
    static void run_end(work_item* item) noexcept;
    static void run_emission(work_item* item) noexcept;

    std::coroutine_handle<> task_;
    asio_strand* strand_ = nullptr;
    std::atomic<unsigned> holds_{0};
    std::atomic<bool> ended_{false};
    bool refused_ = false;
    bool listening_ = false;
    bool requested_ = false;  // under the stop tree's lock
    bool emitted_ = false;
    stop_listener stop_listener_;
    own_step end_;
    own_step emission_;
};

}  // namespace cadre::detail
