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
/// cancellation at home each hold a reference to the wait; the release of the last one resumes the task, at home.
///
///     word     state  changed by                                                  to               order
///     holds_   any    the awaiting thread, before the start                       2                store, relaxed
///              n > 0  `on_stop`, with the stop tree's lock held, never from 0     n + 1            compare-exchange, acq_rel
///              n > 0  the end of the operation, of its start, of the emission     n - 1            fetch_sub, acq_rel
///     owner_   null   `enter`, any thread                                         its thread's key  compare-exchange, acquire
///              key    `leave`, the same thread                                    null             store, release
class asio_wait : public work_item {
public:
    asio_wait() noexcept = default;
    // Awaiters are moved only before they are awaited; nothing is in use then.
    asio_wait(asio_wait&&) noexcept : work_item() {}
    asio_wait& operator=(asio_wait&&) = delete;
    ~asio_wait();

    /// A recursive lock around every step of the operation: a step may complete inside another one. The wait may be destroyed
    /// after `leave`.
    void enter() noexcept;
    void leave() noexcept;
    /// Inside the lock: whether the operation has ended, and records that it has.
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    void set_ended() noexcept { ended_ = true; }
    [[nodiscard]] boost::asio::cancellation_slot slot() const noexcept { return signal_->signal.slot(); }
    [[nodiscard]] executor_backend* home() const noexcept { return env->home; }

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
    struct emission : work_item {
        asio_wait* self = nullptr;
    };
    static void resume(work_item* item) noexcept;
    static void on_stop(stop_node* node, stop_reason why) noexcept;
    static void emit(work_item* item) noexcept;
    void release() noexcept;

    std::coroutine_handle<> task_;
    asio_signal* signal_ = nullptr;
    std::atomic<const void*> owner_{nullptr};  // of the lock: the address of a thread-local
    unsigned depth_ = 0;
    std::atomic<unsigned> holds_{0};
    bool ended_ = false;
    bool notified_ = false;  // the operation has ended
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
        static_assert(alignof(T) <= frame_granularity);
        return static_cast<T*>(allocate_frame(n * sizeof(T)));
    }
    void deallocate(T* p, std::size_t n) noexcept { free_frame(p, n * sizeof(T)); }
    template <class U>
    friend bool operator==(const frame_allocator&, const frame_allocator<U>&) noexcept {
        return true;
    }
};

}  // namespace cadre::detail
