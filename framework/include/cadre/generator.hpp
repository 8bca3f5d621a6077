/// @file
/// `generator<T>`: a synchronous lazy range, written as a coroutine.
///
///     cadre::generator<int> squares(int n) { for (int i = 0; i < n; ++i) co_yield i * i; }
///     for (int s : squares(5)) std::cout << s << '\n';
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <ranges>
#include <utility>

#include <cadre/detail/coroutine/frame_pool.hpp>

namespace cadre {

/// A single-pass input range that computes its elements on demand. Move-only. `begin()` and `++` throw what the body
/// throws. Not a task: its body cannot use `co_await`. Not thread-safe.
template <class T>
class [[nodiscard]] generator : public std::ranges::view_base {
public:
    class promise_type {
    public:
        static void* operator new(std::size_t size) { return detail::allocate_frame(size); }
        static void operator delete(void* frame, std::size_t size) noexcept { detail::free_frame(frame, size); }
        [[nodiscard]] generator get_return_object() noexcept {
            return generator(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        [[nodiscard]] static std::suspend_always initial_suspend() noexcept { return {}; }
        [[nodiscard]] static std::suspend_always final_suspend() noexcept { return {}; }
        // The yielded object lives until the body is resumed, as part of its full expression.
        [[nodiscard]] std::suspend_always yield_value(const T& value) noexcept {
            value_ = std::addressof(value);
            return {};
        }
        static void return_void() noexcept {}
        void unhandled_exception() noexcept { error_ = std::current_exception(); }
        template <class A>
        void await_transform(A&&) = delete;

    private:
        friend generator;
        const T* value_ = nullptr;
        std::exception_ptr error_;
    };

    class iterator {
    public:
        using value_type = T;
        using difference_type = std::ptrdiff_t;

        iterator() noexcept = default;
        [[nodiscard]] const T& operator*() const noexcept { return *frame_.promise().value_; }
        iterator& operator++() {
            advance(frame_);
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& it, std::default_sentinel_t) noexcept { return it.frame_.done(); }

    private:
        friend generator;
        explicit iterator(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
        std::coroutine_handle<promise_type> frame_;
    };

    generator(generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    generator& operator=(generator&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~generator() {
        if (frame_) frame_.destroy();
    }

    /// Runs the body to its first element. Call it once. @throws what the body throws
    [[nodiscard]] iterator begin() {
        advance(frame_);
        return iterator(frame_);
    }
    [[nodiscard]] static std::default_sentinel_t end() noexcept { return {}; }

private:
    explicit generator(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    static void advance(std::coroutine_handle<promise_type> frame) {
        frame.resume();
        if (frame.promise().error_) std::rethrow_exception(std::exchange(frame.promise().error_, nullptr));
    }
    std::coroutine_handle<promise_type> frame_;
};

}  // namespace cadre
