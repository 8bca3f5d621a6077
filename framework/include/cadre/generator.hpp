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
#include <type_traits>
#include <utility>

#include <cadre/detail/coroutine/frame_pool.hpp>

namespace cadre {

/// A single-pass input range that computes its elements on demand. Move-only. `begin()` and `++` throw what the body
/// throws. Not a task: its body cannot use `co_await`. Not thread-safe.
///
/// `*it` is a `T&` to the object that the body yields, so that a consumer may move it out; a yielded constant is copied. For a
/// reference type `T` it is a `T`, to the object itself.
template <class T>
class [[nodiscard]] generator : public std::ranges::view_base {
    using reference = std::conditional_t<std::is_reference_v<T>, T, T&>;

public:
    class promise_type : public detail::pooled_frame {
    public:
        [[nodiscard]] generator get_return_object() noexcept {
            return generator(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        [[nodiscard]] static std::suspend_always initial_suspend() noexcept { return {}; }
        [[nodiscard]] static std::suspend_always final_suspend() noexcept { return {}; }
        // The yielded object lives until the body is resumed, as part of its full expression.
        [[nodiscard]] std::suspend_always yield_value(reference value) noexcept {
            value_ = std::addressof(value);
            return {};
        }
        [[nodiscard]] std::suspend_always yield_value(T&& value) noexcept
            requires(!std::is_reference_v<T>)
        {
            value_ = std::addressof(value);
            return {};
        }
        [[nodiscard]] auto yield_value(const T& value)
            requires(!std::is_reference_v<T> && !std::is_const_v<T> && std::is_copy_constructible_v<T>)
        {
            return yielded_copy(value, value_);
        }
        static void return_void() noexcept {}
        void unhandled_exception() noexcept { error_ = std::current_exception(); }
        template <class A>
        void await_transform(A&&) = delete;

    private:
        friend generator;
        class yielded_copy : public std::suspend_always {
        public:
            yielded_copy(const T& value, std::add_pointer_t<reference>& published)
                : copy_(value), published_(published) {}
            void await_suspend(std::coroutine_handle<>) noexcept { published_ = std::addressof(copy_); }

        private:
            T copy_;
            std::add_pointer_t<reference>& published_;
        };

        std::add_pointer_t<reference> value_ = nullptr;
        std::exception_ptr error_;
    };

    class iterator {
    public:
        using value_type = std::remove_cvref_t<T>;
        using difference_type = std::ptrdiff_t;

        iterator() noexcept = default;
        [[nodiscard]] reference operator*() const noexcept { return static_cast<reference>(*frame_.promise().value_); }
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

template <class T, class... Parameters>
struct std::coroutine_traits<cadre::generator<T>, Parameters...> {
    using promise_type =
        typename cadre::detail::promise_for<typename cadre::generator<T>::promise_type, Parameters...>::type;
};
