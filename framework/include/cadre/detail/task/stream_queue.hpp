/// @file
/// A bounded queue between a task that reads ahead and the stream that it reads for.
#pragma once

#include <algorithm>
#include <array>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <exception>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/waiter.hpp>

namespace cadre::detail {

/// The part that does not depend on the element type: one producer and one consumer wait for each other.
class stream_queue_base {
public:
    explicit stream_queue_base(std::size_t capacity) noexcept : capacity_(capacity) {}
    stream_queue_base(const stream_queue_base&) = delete;
    stream_queue_base& operator=(const stream_queue_base&) = delete;

    /// The awaited event: room, an element, or the end. The consumer does not wait for two of them at once.
    enum class side : unsigned char { producer, consumer, joiner };

    class [[nodiscard]] awaiter {
    public:
        using resumes_at_home = void;
        awaiter(stream_queue_base& queue, side s) noexcept : wait_(queue, s) {}
        awaiter(awaiter&& other) noexcept
            : wait_(other.wait_.queue, other.wait_.awaited_side) {}  // moved only before it is awaited
        awaiter& operator=(awaiter&&) = delete;
        ~awaiter() = default;
        [[nodiscard]] static bool await_ready() noexcept { return false; }
        template <class Promise>
        [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
            return wait_.queue.wait(wait_, h, environment_of_promise(h));
        }
        /// @throws cancelled
        void await_resume() { wait_.complete(); }

    private:
        friend stream_queue_base;
        struct node : waiter {
            node(stream_queue_base& q, side s) noexcept : queue(q), awaited_side(s) {}
            stream_queue_base& queue;
            side awaited_side;
        };
        node wait_;
    };

    /// Waits until there is room for an element. Stop: ends at once with `cancelled`.
    [[nodiscard]] awaiter room() noexcept { return {*this, side::producer}; }
    /// Waits until there is an element, or the end. Stop: ends at once with `cancelled`.
    [[nodiscard]] awaiter filled() noexcept { return {*this, side::consumer}; }
    /// Consumer: changes the number of elements for which there is room.
    void set_capacity(std::size_t capacity) noexcept;
    /// No more elements come; `error` may be null.
    void end(std::exception_ptr error) noexcept;
    /// Waits for the end, whatever is in the queue. A stop request does not end the wait.
    [[nodiscard]] awaiter ended() noexcept { return {*this, side::joiner}; }

protected:
    ~stream_queue_base() = default;
    /// Wakes the coroutine that waits on that side; without the mutex. `change` runs under it.
    template <class Change>
    void change_and_wake(side s, Change change) {
        waiter* w = nullptr;
        {
            const std::lock_guard hold(mutex_);
            change();
            w = std::exchange(waiting(s), nullptr);
        }
        if (w != nullptr) w->finish();
    }
    [[nodiscard]] std::mutex& mutex() noexcept { return mutex_; }

    std::size_t size_ = 0;  // of the elements; with the mutex held
    bool ended_ = false;
    std::exception_ptr error_;

private:
    [[nodiscard]] bool wait(awaiter::node& w, std::coroutine_handle<> h, environment* env) noexcept;
    [[nodiscard]] waiter*& waiting(side s) noexcept { return waiting_[static_cast<std::size_t>(s)]; }

    std::mutex mutex_;  // a leaf; waiters are finished without it
    std::size_t capacity_;
    std::array<waiter*, 3> waiting_{};
};

template <class T>
class stream_queue final : public stream_queue_base {
public:
    using stream_queue_base::stream_queue_base;

    /// Producer, after `room`.
    void push(T&& element) {
        change_and_wake(side::consumer, [&] {
            elements_.push_back(std::move(element));
            ++size_;
        });
    }
    /// Consumer, after `filled`. @return the oldest element, or nothing at the end @throws the error of the end
    [[nodiscard]] std::optional<T> pop() {
        std::optional<T> element;
        change_and_wake(side::producer, [&] {
            if (elements_.empty()) return;
            element.emplace(std::move(elements_.front()));
            elements_.pop_front();
            --size_;
        });
        if (!element && error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
        return element;
    }

    /// Consumer: moves all elements behind those of `into`; room for more is made by `set_capacity`. @return whether no
    /// more come
    [[nodiscard]] bool take_all(std::deque<T>& into) {
        const std::lock_guard hold(mutex());
        std::ranges::move(elements_, std::back_inserter(into));
        elements_.clear();
        size_ = 0;
        return ended_;
    }
    /// Consumer, after the end.
    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }

private:
    std::deque<T> elements_;
};

}  // namespace cadre::detail
