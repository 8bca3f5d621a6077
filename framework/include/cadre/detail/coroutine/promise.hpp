/// @file
/// The promise of every task: a continuation, an environment, and how the task ended.
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/coroutine/await_transform.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>

namespace cadre::detail {

class home_change;
class join;
class task_chain;
class promise_base;

/// Notified when a task without an awaiting coroutine has ended. The task is suspended at its end then and may be
/// destroyed.
struct completion {
    /// @return the coroutine to resume next on this thread
    std::coroutine_handle<> (*done)(completion*, std::coroutine_handle<> ended) noexcept = nullptr;
};

// As wide as the weight beside it, so that a new promise sets both with one store.
enum class end_state : std::uint32_t { unfinished, value, error };

class promise_base : public aligned_pooled_frame, public awaits_at_home {
public:
    promise_base(const promise_base&) = delete;
    promise_base& operator=(const promise_base&) = delete;

    struct final_awaiter {
        [[nodiscard]] static bool await_ready() noexcept { return false; }
        template <class Promise>
        [[nodiscard, gnu::always_inline]] static std::coroutine_handle<>
        await_suspend(std::coroutine_handle<Promise> self) noexcept {
            return self.promise().next();
        }
        static void await_resume() noexcept {}
    };

    [[nodiscard]] static std::suspend_always initial_suspend() noexcept { return {}; }
    [[nodiscard]] static final_awaiter final_suspend() noexcept { return {}; }

    template <class Promise>
    void attach(environment* env, std::coroutine_handle<Promise> continuation) noexcept {
        env_ = env;
        continuation_ = reinterpret_cast<std::uintptr_t>(continuation.address()) | coroutine_tag;
        // For `task_chain`; the weight of a task that is awaited alone is not used.
        if constexpr (!std::is_base_of_v<promise_base, Promise>) weight_ = 0;
    }
    void attach(environment* env, completion& c) noexcept {
        env_ = env;
        continuation_ = reinterpret_cast<std::uintptr_t>(&c) | completion_tag;
    }
    /// As a child of `j`; `notify_always`: of a value as well as of a failure.
    void attach(environment* env, join& j, bool notify_always) noexcept {
        env_ = env;
        continuation_ = reinterpret_cast<std::uintptr_t>(&j) | (notify_always ? deciding_tag : 0);
    }
    /// The number of ended children of its join that this task represents when it ends, see fork_join.hpp.
    [[nodiscard]] std::uint32_t weight() const noexcept { return weight_; }
    void set_weight(std::uint32_t weight) noexcept { weight_ = weight; }
    /// Whether both are children of one join, and neither has failed.
    [[nodiscard]] bool sibling_of(const promise_base& other) const noexcept {
        return continuation_ == other.continuation_;
    }

    /// The coroutine. Every task's promise begins with this base and is aligned to no more than a pointer pair.
    [[nodiscard]] std::coroutine_handle<> frame() noexcept {
        return std::coroutine_handle<promise_base>::from_promise(*this);
    }
    [[nodiscard]] static promise_base& of(std::coroutine_handle<> frame) noexcept {
        return std::coroutine_handle<promise_base>::from_address(frame.address()).promise();
    }
    /// Valid while the task has not ended.
    [[nodiscard]] environment* cadre_environment() const noexcept { return env_; }
    [[nodiscard]] bool failed() const noexcept { return end_ == end_state::error; }
    [[nodiscard]] bool ended() const noexcept { return end_ != end_state::unfinished; }
    /// The exception that left the task; null if none did.
    [[nodiscard]] std::exception_ptr error() const noexcept { return failed() ? error_ : nullptr; }

    [[gnu::always_inline]] void unhandled_exception() noexcept { keep_error(frame()); }

protected:
    promise_base() noexcept {}
    ~promise_base() {
        if (failed()) [[unlikely]]
            drop_error();
    }
    void rethrow_if_failed() const {
        if (failed()) [[unlikely]]
            std::rethrow_exception(error_);
    }

private:
    friend home_change;
    friend task_chain;

    // The kind of continuation, in the two lowest bits: frames, completions and joins are aligned to eight bytes at
    // least. For a child of a join no tag is set, which makes the most frequent test of a fork-join program the
    // cheapest.
    //
    //     bits  continuation                             set by
    //     00    join, notified of a failure only         attach
    //     01    join, notified of every end (deciding)   attach; keep_error, from 00, when the task fails
    //     10    coroutine that awaits the task           attach
    //     11    completion                               attach
    //
    // Not atomic: `attach` happens before the task starts, and only the task itself changes the word afterwards.
    static constexpr std::uintptr_t other_tag = 1;
    static constexpr std::uintptr_t not_join_tag = 2;
    static constexpr std::uintptr_t deciding_tag = other_tag;
    static constexpr std::uintptr_t coroutine_tag = not_join_tag;
    static constexpr std::uintptr_t completion_tag = not_join_tag | other_tag;

    /// The coroutine that runs after this task.
    [[nodiscard, gnu::always_inline]] std::coroutine_handle<> next() noexcept;
    static void keep_error(std::coroutine_handle<> self) noexcept;
    CADRE_RARE_CALL void drop_error() noexcept;

    std::uint32_t weight_ = 1;

protected:
    end_state end_ = end_state::unfinished;

private:
    std::uintptr_t continuation_;
    union {
        environment* env_;  // until the task ends
        std::exception_ptr error_;  // of a task that has failed
    };
};

template <class T>
class task_promise;

template <class T>
inline constexpr bool wraps_reference = false;
template <class T>
inline constexpr bool wraps_reference<std::reference_wrapper<T>> = true;

/// Whether a task of a `T` may `co_return` a `U`. A reference is never bound to a temporary.
template <class U, class T>
concept returnable_as = std::is_convertible_v<U&&, T> &&
                        (!std::is_reference_v<T> || wraps_reference<std::remove_cvref_t<U>> ||
                         (std::is_convertible_v<std::remove_reference_t<U>*, std::remove_reference_t<T>*> &&
                          (std::is_rvalue_reference_v<T> || std::is_lvalue_reference_v<U>)));

/// The result of a task that returns a value or a reference.
template <class T>
class result_promise : public promise_base {
    // A frame's address is found from its promise's, which holds as long as that is not over-aligned.
    static constexpr bool over_aligned = !std::is_reference_v<T> && alignof(std::remove_reference_t<T>) > 16;
    static constexpr bool trivial = std::is_reference_v<T> || (!over_aligned && std::is_trivially_destructible_v<T>);
    using stored = std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*,
                                      std::conditional_t<over_aligned, std::unique_ptr<T>, T>>;

public:
    using result_type = T;

    result_promise() noexcept {}
    result_promise(const result_promise&) = delete;
    result_promise& operator=(const result_promise&) = delete;
    ~result_promise() { drop_value(); }

    template <class U = T>
        requires returnable_as<U, T>
    void return_value(U&& value) noexcept(std::is_nothrow_constructible_v<T, U&&> && !over_aligned) {
        // A destructor may throw after `co_return`, and its handler may return again.
        drop_value();
        if constexpr (wraps_reference<std::remove_cvref_t<U>> && std::is_reference_v<T>)
            std::construct_at(&value_, std::addressof(value.get()));
        else if constexpr (std::is_reference_v<T>)
            std::construct_at(&value_, std::addressof(value));
        else if constexpr (over_aligned)
            std::construct_at(&value_, std::make_unique<T>(std::forward<U>(value)));
        else
            std::construct_at(&value_, std::forward<U>(value));
        end_ = end_state::value;
    }
    CADRE_REFUSE_OTHER_MEMBERS(return_value, "co_return: the value does not convert to the result type T of the "
                                             "cadre::task<T>; a reference is not bound to a temporary");

    /// An exception leaves the body; the destructor of a local may have thrown it after `co_return`.
    [[gnu::always_inline]] void unhandled_exception() noexcept {
        drop_value();
        promise_base::unhandled_exception();
    }

    /// Moves the result out, or rethrows.
    [[nodiscard]] T take() {
        rethrow_if_failed();
        return take_value();
    }
    /// Moves the result out of a task that ended with one.
    [[nodiscard]] T take_value() {
        if constexpr (std::is_reference_v<T>)
            return static_cast<T>(*value_);
        else if constexpr (over_aligned)
            return std::move(*value_);
        else
            return std::move(value_);
    }

private:
    [[gnu::always_inline]] void drop_value() noexcept {
        if constexpr (!trivial) {
            if (end_ != end_state::value) return;
            end_ = end_state::unfinished;
            std::destroy_at(&value_);
        }
    }

    union {
        stored value_;
    };
};

template <>
class result_promise<void> : public promise_base {
public:
    void return_void() noexcept { end_ = end_state::value; }
    void take() const { rethrow_if_failed(); }
};

}  // namespace cadre::detail
