/// @file
/// A coroutine that waits for an event: suspension, completion by another thread, and cancellation, which may race.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>

#include <cadre/detail/base/intrusive_list.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/coroutine/wait_note.hpp>
#include <cadre/detail/coroutine/work_item.hpp>
#include <cadre/errors.hpp>

namespace cadre::detail {

/// One waiting coroutine; lives in the awaiter, in the coroutine's frame. A wait begins in `await_suspend`:
///
///     waiter_.prepare(handle, env, &cancel);
///     // add the waiter to the list of the event's source, under the source's lock; then
///     return waiter_.commit();                    // false: the event has happened meanwhile, do not suspend
///
/// The thread that removes the waiter from the source's list calls `finish()`, and no other thread does. A stop request
/// calls `cancel(waiter)` with the stop tree's lock held: it takes the source's lock, and if the waiter is still in the
/// list removes it and calls `finish_cancelled()`. It is called once more for a stronger reason (`reason`). Lock order:
/// stop tree, then source; so a source never calls into the stop tree with its lock held (`finish` does not).
///
/// `await_resume` calls `complete()`, after which no other thread touches the waiter, and throws if it was cancelled.
///
/// The word `state_`:
///
///     state     changed by                                                     to        order
///     idle      waiting thread, `prepare`                                      arming    store, relaxed
///     arming    waiting thread, `commit`: the coroutine suspends               armed     compare-exchange, acq_rel
///               finishing thread, `finish`: `commit` fails, no suspension      finished  exchange, acq_rel
///     armed     finishing thread, `finish`: posts the coroutine to its home    finished  exchange, acq_rel
///
/// The source publishes the waiter after the store of `arming`, under its lock. The second of `commit` and `finish`
/// continues the coroutine and acquires what the first one wrote.
class waiter : public work_item {
public:
    using cancel_function = void (*)(waiter&) noexcept;

    waiter() noexcept = default;
    // Awaiters are moved only before they are awaited; nothing is in use then.
    waiter(waiter&&) noexcept : work_item() {}
    waiter& operator=(waiter&&) = delete;

    /// Without `cancel` the wait ignores stop requests. `kind` is for reports.
    void prepare(std::coroutine_handle<> handle, environment* environment_of_waiter, cancel_function cancel,
                 wait_kind kind = wait_kind::event) noexcept {
        handle_ = handle;
        env = environment_of_waiter;
        cancel_ = cancel;
        run = &resume;
        kind_ = kind;
        stop_node_.fire = &on_stop;
        stop_node_.self = this;
        state_.store(state::arming, std::memory_order_relaxed);
    }

    /// Registers for stop requests and completes the suspension. @return false if it is finished already: do not
    /// suspend
    [[nodiscard]] bool commit() noexcept;

    /// The event happened: resumes the coroutine on its home (posts; never inline). Called once, by the thread that
    /// removed the waiter from its source. The waiter may be destroyed before this returns.
    void finish() noexcept;
    void finish_cancelled() noexcept {
        cancelled_ = true;
        finish();
    }

    /// Whether the event has happened. Waiting thread only, between `prepare` and `commit`.
    [[nodiscard]] bool finished() const noexcept { return state_.load(std::memory_order_acquire) == state::finished; }
    /// Why stop is requested; for `cancel`.
    [[nodiscard]] stop_reason reason() const noexcept { return env->stop->reason(); }

    /// Ends the wait, in `await_resume`. Harmless if the coroutine never suspended. @throws cancelled
    void complete() {
        if (detach()) throw cancelled{};
    }
    /// Ends the wait without throwing. @return whether it was cancelled
    [[nodiscard]] bool detach() noexcept;

    /// The waiter whose stop listener `listener` is; null if it is another one's.
    [[nodiscard]] static const waiter* of(const stop_node& listener) noexcept {
        return listener.fire == &on_stop ? static_cast<const node&>(listener).self : nullptr;
    }
    [[nodiscard]] wait_note note() const noexcept { return {handle_, env, kind_}; }

    /// For the source's list.
    list_links<waiter> links{};

private:
    enum class state : std::uint8_t { idle, arming, armed, finished };
    struct node : stop_node {
        waiter* self = nullptr;
    };
    static void resume(work_item* item) noexcept;
    void enter_waits() noexcept;
    void leave_waits() noexcept;
    void trace_wait() const noexcept;
    static void on_stop(stop_node* node, stop_reason why) noexcept;

    std::coroutine_handle<> handle_;
    cancel_function cancel_ = nullptr;
    node stop_node_;
    std::atomic<state> state_{state::idle};
    bool listening_ = false;
    bool cancelled_ = false;
    bool noted_ = false;  // in the waits of the loop on which the coroutine has suspended
    wait_kind kind_ = wait_kind::event;
};

/// The waiters of an event's source, under the source's lock.
using wait_list = intrusive_list<waiter, &waiter::links>;

/// Waiters that have left their list and are finished once the source's lock is released: finishing may take a system
/// call. They are linked by `work_item::next`, so that `wait_list::contains` is false for them in a concurrent
/// `cancel`.
class served_waiters {
public:
    served_waiters() noexcept = default;
    served_waiters(const served_waiters&) = delete;
    served_waiters& operator=(const served_waiters&) = delete;

    void add(waiter& w) noexcept { queue_.push_back(w); }
    void finish() noexcept {
        while (work_item* const w = queue_.pop_front())
            static_cast<waiter*>(w)->finish();
    }

private:
    work_item_queue queue_;
};

template <class Promise>
[[nodiscard]] environment* environment_of(std::coroutine_handle<Promise> handle) noexcept {
    return environment_of_promise(handle);
}

}  // namespace cadre::detail
