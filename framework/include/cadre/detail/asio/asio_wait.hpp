/// @file
/// A task that waits for an operation of Asio: completion by any thread, cancellation, and resumption at home.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>

#include <boost/asio/cancellation_signal.hpp>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/coroutine/work_item.hpp>

namespace cadre::detail {

/// A signal and the memory of its slot, recycled per thread: a slot of its own for each await would cost an allocation.
struct asio_signal {
    boost::asio::cancellation_signal signal;
    asio_signal* next = nullptr;
};

/// One awaited operation; part of the awaiter. The operation, its start and, if stop is requested, the item that emits the
/// cancellation at home each hold the wait; the last to let go resumes the task, at home.
class asio_wait : public work_item {
public:
    asio_wait() noexcept = default;
    // Awaiters are moved only before they are awaited; nothing is in use then.
    asio_wait(asio_wait&&) noexcept : work_item() {}
    asio_wait& operator=(asio_wait&&) = delete;
    ~asio_wait();

    /// Whatever touches the operation between its start and its end does so between `enter` and `leave`: a lock, recursive
    /// because a step of an operation may complete inside another one. The wait may be gone after `leave`.
    void enter() noexcept;
    void leave() noexcept;
    /// Inside the lock: whether the operation has ended, and that it has.
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    void set_ended() noexcept { ended_ = true; }
    [[nodiscard]] boost::asio::cancellation_slot slot() const noexcept { return signal_->signal.slot(); }
    [[nodiscard]] executor_backend* home() const noexcept { return env->home; }

protected:
    /// Before the operation starts. @return false: stop was requested, do not start it
    [[nodiscard]] bool arm(std::coroutine_handle<> task, environment* environment_of_task);
    /// After it has started: listens for stop requests. @return false: it has ended already, do not suspend
    [[nodiscard]] bool commit() noexcept;
    /// In `await_resume`: no other thread touches the wait from now on.
    void settle() noexcept;
    /// After `settle`: whether nothing was started, and whether the operation was asked to end.
    [[nodiscard]] bool refused() const noexcept { return refused_; }
    [[nodiscard]] bool cancellation_emitted() const noexcept { return emitted_; }

private:
    struct stop_listener : stop_node {
        asio_wait* self = nullptr;
    };
    struct emission : work_item {
        asio_wait* self = nullptr;
    };
    static void resume(work_item* item) noexcept;
    static void on_stop(stop_node* node, stop_reason why) noexcept;
    static void emit(work_item* item) noexcept;
    void let_go() noexcept;

    std::coroutine_handle<> task_;
    asio_signal* signal_ = nullptr;
    std::atomic<const void*> owner_{nullptr};  // of the lock: an address that only that thread has
    unsigned depth_ = 0;
    std::atomic<unsigned> holds_{0};
    bool ended_ = false;
    bool notified_ = false;  // the operation has let go
    bool refused_ = false;
    bool listening_ = false;
    bool requested_ = false;  // under the stop tree's lock
    bool emitted_ = false;
    stop_listener stop_listener_;
    emission emission_;
};

/// Memory for handlers and the operations that they are part of: blocks of this thread's frame pool.
template <class T>
class frame_allocator {
public:
    using value_type = T;
    frame_allocator() noexcept = default;
    template <class U>
    explicit(false) frame_allocator(const frame_allocator<U>&) noexcept {}

    [[nodiscard]] T* allocate(std::size_t n) {
        static_assert(alignof(T) <= alignof(std::max_align_t));
        return static_cast<T*>(allocate_frame(n * sizeof(T)));
    }
    void deallocate(T* p, std::size_t n) noexcept { free_frame(p, n * sizeof(T)); }
    template <class U>
    friend bool operator==(const frame_allocator&, const frame_allocator<U>&) noexcept {
        return true;
    }
};

}  // namespace cadre::detail
