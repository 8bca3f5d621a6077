/// @file
/// Completed chunks and jobs, in the order of their completion, for one waiting coroutine.
#pragma once

#include <coroutine>
#include <mutex>

#include <cadre/detail/base/intrusive_list.hpp>
#include <cadre/detail/coroutine/waiter.hpp>

namespace cadre::detail {

/// An intrusive queue: many threads push, one coroutine takes. A node is pushed at most once at a time and stays alive
/// until it has been taken.
class completion_queue {
public:
    /// Base class of everything that is queued.
    struct node {
        node* next_completed = nullptr;
    };
    using nodes = intrusive_queue<node, &node::next_completed>;

    /// Appends `completed` and wakes the waiting coroutine. Any thread.
    void push(node& completed) noexcept;
    /// All nodes that have been pushed since the last call, oldest first.
    [[nodiscard]] nodes try_take() noexcept;

    class [[nodiscard]] awaiter {
    public:
        using resumes_at_home = void;
        explicit awaiter(completion_queue& queue) noexcept : queue_(queue) {}
        awaiter(awaiter&& o) noexcept : queue_(o.queue_) {}
        awaiter& operator=(awaiter&&) = delete;
        ~awaiter() = default;
        [[nodiscard]] static bool await_ready() noexcept { return false; }
        template <class Promise>
        [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
            return queue_.wait(waiter_, h, environment_of_promise(h));
        }
        [[nodiscard]] nodes await_resume() noexcept {
            (void)waiter_.detach();
            return queue_.try_take();
        }

    private:
        completion_queue& queue_;
        waiter waiter_;
    };
    /// Like `try_take`, but waits until there is a node. A stop request does not end the wait: it ends the work, whose
    /// completion does.
    [[nodiscard]] awaiter take() noexcept { return awaiter(*this); }

private:
    [[nodiscard]] bool wait(waiter& w, std::coroutine_handle<> h, environment* env) noexcept;

    // A mutex, because the queue may be destroyed right after the last `push` has released it; a lock-free push would
    // read `waiting_` when the queue may be gone.
    std::mutex mutex_;  // a leaf; waiters are finished without it
    nodes completed_;
    waiter* waiting_ = nullptr;
};

}  // namespace cadre::detail
