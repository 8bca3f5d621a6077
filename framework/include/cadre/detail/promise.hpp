/// @file
/// What every task's promise holds: a continuation, an environment, and how the task ended.
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include <cadre/detail/environment.hpp>
#include <cadre/detail/frame_pool.hpp>

namespace cadre::detail {

/// Told when a task that is not simply awaited has ended. The task is suspended at its end then: it may be destroyed.
struct completion {
    /// @return what to resume next on this thread
    std::coroutine_handle<> (*done)(completion*) noexcept = nullptr;
};

enum class end_state : std::uint8_t { unfinished, value, error };

class promise_base {
public:
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

    struct final_awaiter {
        [[nodiscard]] static bool await_ready() noexcept { return false; }
        template <class Promise>
        [[nodiscard]] static std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
            return self.promise().next();
        }
        static void await_resume() noexcept {}
    };

    [[nodiscard]] static std::suspend_always initial_suspend() noexcept { return {}; }
    [[nodiscard]] static final_awaiter final_suspend() noexcept { return {}; }

    void attach(environment* env, std::coroutine_handle<> continuation) noexcept {
        env_ = env;
        continuation_ = reinterpret_cast<std::uintptr_t>(continuation.address());
    }
    void attach(environment* env, completion& c) noexcept {
        env_ = env;
        continuation_ = reinterpret_cast<std::uintptr_t>(&c) | 1u;  // frames and completions are aligned: bit 0 is free
    }

    [[nodiscard]] environment* cadre_environment() const noexcept { return env_; }
    /// For an awaitable that changes the environment of the coroutine itself (`resume_on`).
    void change_environment(environment* env) noexcept { env_ = env; }
    [[nodiscard]] bool failed() const noexcept { return end_ == end_state::error; }
    [[nodiscard]] bool ended() const noexcept { return end_ != end_state::unfinished; }

protected:
    end_state end_ = end_state::unfinished;

private:
    [[nodiscard]] std::coroutine_handle<> next() const noexcept {
        if ((continuation_ & 1u) == 0) [[likely]]
            return std::coroutine_handle<>::from_address(reinterpret_cast<void*>(continuation_));
        auto* c = reinterpret_cast<completion*>(continuation_ & ~std::uintptr_t{1});
        return c->done(c);
    }

    std::uintptr_t continuation_ = 0;
    environment* env_ = nullptr;
};

template <class T>
class task_promise;

/// The result of a task that returns a value or a reference.
template <class T>
class result_promise : public promise_base {
    using stored = std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>;

public:
    result_promise() noexcept {}
    result_promise(const result_promise&) = delete;
    result_promise& operator=(const result_promise&) = delete;
    ~result_promise() {
        if (end_ == end_state::value)
            std::destroy_at(&value_);
        else if (end_ == end_state::error)
            std::destroy_at(&error_);
    }

    template <class U = T>
        requires std::is_convertible_v<U&&, T>
    void return_value(U&& value) noexcept(std::is_nothrow_constructible_v<T, U&&>) {
        if constexpr (std::is_reference_v<T>)
            std::construct_at(&value_, std::addressof(value));
        else
            std::construct_at(&value_, std::forward<U>(value));
        end_ = end_state::value;
    }
    void unhandled_exception() noexcept {
        std::construct_at(&error_, std::current_exception());
        end_ = end_state::error;
    }

    /// Moves the result out, or rethrows.
    [[nodiscard]] T take() {
        if (end_ == end_state::error) [[unlikely]]
            std::rethrow_exception(error_);
        if constexpr (std::is_reference_v<T>)
            return static_cast<T>(*value_);
        else
            return std::move(value_);
    }
    [[nodiscard]] std::exception_ptr error() const noexcept { return failed() ? error_ : nullptr; }

private:
    union {
        stored value_;
        std::exception_ptr error_;
    };
};

template <>
class result_promise<void> : public promise_base {
public:
    void return_void() noexcept { end_ = end_state::value; }
    void unhandled_exception() noexcept {
        error_ = std::current_exception();
        end_ = end_state::error;
    }
    void take() const {
        if (failed()) [[unlikely]]
            std::rethrow_exception(error_);
    }
    [[nodiscard]] std::exception_ptr error() const noexcept { return error_; }

private:
    std::exception_ptr error_;
};

}  // namespace cadre::detail
