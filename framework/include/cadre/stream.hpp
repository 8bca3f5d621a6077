/// @file
/// `stream<T>`: an asynchronous generator; it may await between its elements.
///
///     cadre::stream<int> ticks(int n) { for (int i = 0; i < n; ++i) { co_await cadre::sleep_for(1s); co_yield i; } }
///     auto s = ticks(3);
///     while (auto t = co_await s.next()) std::cout << *t << '\n';
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>

namespace cadre {

namespace detail {

/// Yielded by a stream's body: the consumer's `next()` throws `error`, and the following one resumes the body.
struct stream_error {
    std::exception_ptr error;
};

}  // namespace detail

/// A sequence of elements, each computed when the consumer requests it. Lazy, move-only. Destroying it between two elements
/// unwinds the body, which is suspended then. One consumer at a time; not thread-safe.
template <class T>
class [[nodiscard]] stream {
public:
    using value_type = T;

    class promise_type {
        struct hand_over {
            [[nodiscard]] static bool await_ready() noexcept { return false; }
            [[nodiscard]] static std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
                return h.promise().consumer_;
            }
            static void await_resume() noexcept {}
        };

    public:
        static void* operator new(std::size_t size) { return detail::allocate_frame(size); }
        static void operator delete(void* frame, std::size_t size) noexcept { detail::free_frame(frame, size); }
        [[nodiscard]] stream get_return_object() noexcept {
            return stream(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        [[nodiscard]] static std::suspend_always initial_suspend() noexcept { return {}; }
        [[nodiscard]] static hand_over final_suspend() noexcept { return {}; }
        template <class U>
        [[nodiscard]] hand_over yield_value(U&& value) {
            value_.emplace(std::forward<U>(value));
            return {};
        }
        [[nodiscard]] hand_over yield_value(detail::stream_error failure) noexcept {
            error_ = std::move(failure.error);
            return {};
        }
        static void return_void() noexcept {}
        void unhandled_exception() noexcept { error_ = std::current_exception(); }
        [[nodiscard]] detail::environment* cadre_environment() const noexcept { return env_; }

    private:
        friend stream;
        std::coroutine_handle<> consumer_;
        detail::environment* env_ = nullptr;
        std::optional<T> value_;
        std::exception_ptr error_;
    };

    stream(stream&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    stream& operator=(stream&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~stream() {
        if (frame_) frame_.destroy();
    }

    class [[nodiscard]] next_awaiter {
    public:
        explicit next_awaiter(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
        [[nodiscard]] bool await_ready() const noexcept { return !frame_ || frame_.done(); }
        template <class Promise>
        [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> consumer) const noexcept {
            auto& p = frame_.promise();
            p.consumer_ = consumer;
            p.env_ = detail::environment_of_promise(consumer);
            p.value_.reset();
            return frame_;
        }
        std::optional<T> await_resume() const {
            if (!frame_) return std::nullopt;
            auto& p = frame_.promise();
            if (p.error_) std::rethrow_exception(std::exchange(p.error_, nullptr));
            if (frame_.done()) return std::nullopt;
            return std::move(p.value_);
        }

    private:
        std::coroutine_handle<promise_type> frame_;
    };

    /// The next element, or nothing at the end. Rethrows the exception of the body; afterwards there is no next element. Stop: the body inherits
    /// the consumer's stop state. Resumes: at home.
    [[nodiscard]] next_awaiter next() noexcept { return next_awaiter(frame_); }

private:
    explicit stream(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    std::coroutine_handle<promise_type> frame_;
};

}  // namespace cadre
