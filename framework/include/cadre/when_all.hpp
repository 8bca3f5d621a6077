/// @file
/// `when_all`: run several awaitables and wait for all of them; on a thread executor they run in parallel.
///
///     auto [x, y] = co_await cadre::when_all(fib(n - 1), fib(n - 2));
#pragma once

#include <array>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/coroutine/await_check.hpp>
#include <cadre/detail/scheduler/fork_join.hpp>
#include <cadre/detail/task/as_task.hpp>
#include <cadre/detail/task/task_list.hpp>
#include <cadre/nested_errors.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

template <class T>
using monostate_if_void = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// The result of a task in a container or variant, which cannot hold a reference.
template <class T>
using element_of_result = std::conditional_t<std::is_lvalue_reference_v<T>,
                                             std::reference_wrapper<std::remove_reference_t<T>>, monostate_if_void<T>>;

/// The value of a task that ended with one.
template <class T>
[[nodiscard]] monostate_if_void<T> take_value(const task<T>& t) {
    if constexpr (std::is_void_v<T>)
        return {};
    else
        return t.frame().promise().take_value();
}

/// For the destructor of a combinator: once it was awaited, its tasks have ended. A moved-from combinator has no tasks.
template <class T>
void check_awaited_tasks(const task<T>& first, const char* what) noexcept {
    check_awaited(!first || first.frame().promise().ended(), what);
}

/// Rethrows the error of `failed`, with those of the other children nested in it. `for_each_child` calls a function
/// with each.
template <class ForEachChild>
[[noreturn, gnu::cold, gnu::noinline]] void rethrow_first(const promise_base& failed, ForEachChild for_each_child) {
    for_each_child([&failed](const promise_base& child) noexcept {
        if (&child != &failed && child.failed()) add_nested_error(failed.error(), child.error());
    });
    std::rethrow_exception(failed.error());
}

template <class... Ts>
class [[nodiscard]] when_all_awaiter {
public:
    using resumes_at_home = void;
    explicit when_all_awaiter(task<Ts>&&... tasks) noexcept : tasks_(std::move(tasks)...) {}
    when_all_awaiter(when_all_awaiter&&) noexcept = default;
    [[gnu::always_inline]] ~when_all_awaiter() {
        if constexpr (sizeof...(Ts) != 0) check_awaited_tasks(std::get<0>(tasks_), "when_all()");
    }

    [[nodiscard]] static bool await_ready() noexcept { return sizeof...(Ts) == 0; }
    template <class Promise>
    [[nodiscard, gnu::always_inline]] std::coroutine_handle<>
    await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        const auto children = std::apply(
            [](auto&... t) { return std::array<promise_base*, sizeof...(Ts)>{&t.frame().promise()...}; }, tasks_);
        return join_.start(parent, environment_of_promise(parent), children);
    }
    std::tuple<monostate_if_void<Ts>...> await_resume() {
        if (const promise_base* failed = join_.first(); failed != nullptr) [[unlikely]]
            rethrow_first(*failed, [this](auto add) {
                std::apply([add](const auto&... t) { (add(t.frame().promise()), ...); }, tasks_);
            });
        return std::apply([](auto&... t) { return std::tuple<monostate_if_void<Ts>...>(take_value(t)...); }, tasks_);
    }

private:
    join join_;
    std::tuple<task<Ts>...> tasks_;  // last: what their frames still hold may be linked to the join's stop state
};

/// Iterates over ended tasks and moves their results out.
template <class T>
class result_iterator {
public:
    using iterator_category = std::random_access_iterator_tag;  // as far as a vector's constructor requires
    using value_type = element_of_result<T>;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = value_type;

    explicit result_iterator(const task<T>* at) noexcept : at_(at) {}
    [[nodiscard]] value_type operator*() const { return take_value(*at_); }
    result_iterator& operator++() noexcept {
        ++at_;
        return *this;
    }
    [[nodiscard]] bool operator==(const result_iterator&) const noexcept = default;
    [[nodiscard]] difference_type operator-(const result_iterator& other) const noexcept { return at_ - other.at_; }

private:
    const task<T>* at_;
};

/// `Tasks` is a vector of `task<T>`, or a `task_list`.
template <class T, class Tasks>
class [[nodiscard]] when_all_range_awaiter {
public:
    using resumes_at_home = void;
    template <class R>
        requires(!std::same_as<std::remove_cvref_t<R>, when_all_range_awaiter>)
    explicit when_all_range_awaiter(R&& range) : tasks_(std::forward<R>(range)) {}
    when_all_range_awaiter(when_all_range_awaiter&&) noexcept = default;
    when_all_range_awaiter& operator=(when_all_range_awaiter&&) = delete;
    ~when_all_range_awaiter() {
        if (!tasks_.empty()) check_awaited_tasks(*tasks_.data(), "when_all()");
    }

    [[nodiscard]] bool await_ready() const noexcept { return tasks_.empty(); }
    template <class Promise>
    [[nodiscard, gnu::always_inline]] std::coroutine_handle<>
    await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        return join_.start(parent, environment_of_promise(parent), promises_of<T>{tasks_.data(), tasks_.size()});
    }
    std::vector<element_of_result<T>> await_resume() {
        if (const promise_base* failed = join_.first(); failed != nullptr) [[unlikely]]
            rethrow_first(*failed, [this](auto add) {
                for (std::size_t i = 0; i != tasks_.size(); ++i)
                    add(tasks_.data()[i].frame().promise());
            });
        const task<T>* const tasks = tasks_.data();
        return std::vector<element_of_result<T>>(result_iterator<T>(tasks), result_iterator<T>(tasks + tasks_.size()));
    }

private:
    join join_;
    Tasks tasks_;  // last: what their frames still hold may be linked to the join's stop state
};

}  // namespace detail

/// Runs all awaitables and completes when every one has ended, with a `std::tuple` of the results in the order of the
/// arguments (`std::monostate` for `void`). Await it at once: `co_await when_all(…)`.
///
/// Errors: the first failure (by time) requests stop of the others, and is rethrown when they have ended, with
/// the later ones in its `nested_errors`. Stop: passed on to all; ends when all have ended. The children share the
/// parent's home; on a thread executor they run in parallel, the first one on this thread. Resumes: at home.
template <awaitable... As>
[[nodiscard]] auto when_all(As... as) {
    return detail::when_all_awaiter<await_result_t<As>...>(detail::as_task(std::move(as))...);
}
/// Of nothing: completes at once. No template, which would be no better a match than the refusal of other arguments.
[[nodiscard]] inline auto when_all() { return detail::when_all_awaiter<>(); }

/// The same over a range of awaitables of one type; completes with a `std::vector`, of `std::reference_wrapper`s for
/// tasks of references. The elements are moved from and each is awaited once.
template <std::ranges::input_range R>
    requires awaitable<std::ranges::range_value_t<R>>
[[nodiscard]] auto when_all(R&& range) {
    using value = await_result_t<std::ranges::range_value_t<R>>;
    using tasks = std::conditional_t<std::same_as<R, std::vector<task<value>>>, R, detail::task_list<value>>;
    if constexpr (std::same_as<R, tasks>)
        return detail::when_all_range_awaiter<value, tasks>(detail::require_coroutines(std::move(range)));
    else
        return detail::when_all_range_awaiter<value, tasks>(std::forward<R>(range));
}

CADRE_REFUSE_OTHERS(when_all, "cadre::when_all(awaitables...) takes awaitables, as tasks, or a range of them; of a "
                              "coroutine function pass the task that it returns");

}  // namespace cadre
