/// @file
/// `task<T>`: a lazy coroutine that runs when it is awaited.
///
///     cadre::task<int> answer() { co_return 42; }
///     cadre::task<> print() { std::cout << co_await answer() << '\n'; }
#pragma once

#include <coroutine>
#include <utility>

#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/coroutine/promise.hpp>
#include <cadre/detail/scheduler/fork_join.hpp>

namespace cadre {

template <class T = void>
class CADRE_TRIVIAL_ABI task;

namespace detail {

[[noreturn, gnu::cold]] void throw_empty_task();

/// @throws std::logic_error if `t` is empty
template <class T>
void require_coroutine(const task<T>& t) {
    if (!t) [[unlikely]]
        throw_empty_task();
}

}  // namespace detail

/// A lazy coroutine: it starts when awaited, in the awaiting task's environment (home executor, stop state), and
/// `co_await` moves its result out or rethrows its exception. Move-only; an unstarted task may be destroyed.
///
/// Await it at most once: awaiting an empty task, one that was moved from, or one that was awaited before throws
/// `std::logic_error`, and so do the combinators. Resumes: on the home of the awaiting task. Stop: inherited; a wait
/// for an event inside the task ends with `cancelled`. Not thread-safe.
template <class T>
class [[nodiscard]] CADRE_TRIVIAL_ABI task {
public:
    using promise_type = detail::task_promise<T>;
    using value_type = T;

    task() noexcept = default;
    task(task&& other) noexcept : frame_(handle::from_address(detail::read_alone(other.frame_.address()))) {
        other.frame_ = nullptr;
    }
    task& operator=(task&& other) noexcept {
        if (this != &other) {
            destroy();
            frame_ = std::exchange(other.frame_, nullptr);
        }
        return *this;
    }
    ~task() { destroy(); }

    /// Whether this holds a coroutine: it is neither default-constructed nor moved from.
    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(frame_); }

    class awaiter;

    /// The awaiter owns the coroutine: the task is empty afterwards. @throws std::logic_error if it is empty already
    [[nodiscard]] awaiter operator co_await() && {
        detail::require_coroutine(*this);
        return awaiter(std::move(*this));
    }

    /// For combinators: the coroutine, still owned by this task.
    [[nodiscard]] std::coroutine_handle<promise_type> frame() const noexcept { return frame_; }

    /// For combinators: takes over a coroutine of this kind of task, from `release`.
    [[nodiscard]] static task adopt(std::coroutine_handle<> frame) noexcept {
        return task(handle::from_address(frame.address()));
    }
    /// For combinators: the coroutine, which the caller destroys or adopts.
    [[nodiscard]] std::coroutine_handle<promise_type> release() noexcept { return std::exchange(frame_, nullptr); }

private:
    friend promise_type;
    using handle = std::coroutine_handle<promise_type>;

    explicit task(handle frame) noexcept : frame_(frame) {}
    void destroy() noexcept {
        if (frame_) frame_.destroy();
    }

    handle frame_;
};

template <class T>
class task<T>::awaiter {
public:
    using resumes_at_home = void;
    explicit awaiter(task work) noexcept : work_(std::move(work)) {}
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) const noexcept {
        work_.frame().promise().attach(detail::environment_of_promise(parent), parent);
        if (!detail::task_may_continue()) [[unlikely]]
            return detail::start_later(work_.frame());
        return work_.frame();
    }
    T await_resume() const { return work_.frame().promise().take(); }

private:
    task work_;
};

namespace detail {

template <class T>
class task_promise : public result_promise<T> {
public:
    [[nodiscard]] task<T> get_return_object() noexcept {
        return task<T>{std::coroutine_handle<task_promise>::from_promise(*this)};
    }
};

template <class>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

}  // namespace detail
}  // namespace cadre

template <class T, class... Parameters>
struct std::coroutine_traits<cadre::task<T>, Parameters...> {
    using promise_type = typename cadre::detail::promise_for<cadre::detail::task_promise<T>, Parameters...>::type;
};
