/// @file
/// `when_any`: the first to end wins; the others are stopped and have ended when it completes.
///
///     auto first = co_await cadre::when_any(ask(primary), ask(mirror));
///     std::cout << "from " << first.index() << '\n';
#pragma once

#include <algorithm>
#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <variant>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/scheduler/fork_join.hpp>
#include <cadre/detail/task/as_task.hpp>
#include <cadre/detail/task/task_list.hpp>
#include <cadre/task.hpp>
#include <cadre/when_all.hpp>

namespace cadre {

/// The result of `when_any`: which awaitable ended first, and its result.
template <class... Ts>
class any_result {
public:
    template <std::size_t I, class U>
    any_result(std::in_place_index_t<I> i, U&& value) : value_(i, std::forward<U>(value)) {}
    /// The position of the winner among the arguments.
    [[nodiscard]] std::size_t index() const noexcept { return value_.index(); }
    /// The result as a variant, whose active alternative is that of the winner.
    [[nodiscard]] const std::variant<Ts...>& value() const& noexcept { return value_; }
    [[nodiscard]] std::variant<Ts...>&& value() && noexcept { return std::move(value_); }

    /// The result of argument `I`; throws `std::bad_variant_access` if another one won.
    template <std::size_t I>
    friend decltype(auto) get(any_result& r) {
        return std::get<I>(r.value_);
    }
    template <std::size_t I>
    friend decltype(auto) get(const any_result& r) {
        return std::get<I>(r.value_);
    }
    template <std::size_t I>
    friend decltype(auto) get(any_result&& r) {
        return std::get<I>(std::move(r.value_));
    }

private:
    std::variant<Ts...> value_;
};

/// The result of `when_any` over a range: which awaitable ended first, and its result.
template <class T>
class any_element {
public:
    any_element(std::size_t index, T&& value) : index_(index), value_(std::move(value)) {}
    /// The position of the winner in the range.
    [[nodiscard]] std::size_t index() const noexcept { return index_; }
    [[nodiscard]] T& value() & noexcept { return value_; }
    [[nodiscard]] const T& value() const& noexcept { return value_; }
    [[nodiscard]] T&& value() && noexcept { return std::move(value_); }

private:
    std::size_t index_;
    T value_;
};

namespace detail {

template <class... Ts>
class [[nodiscard]] when_any_awaiter {
    using result = any_result<element_of_result<Ts>...>;

public:
    using resumes_at_home = void;
    explicit when_any_awaiter(task<Ts>&&... tasks) noexcept : tasks_(std::move(tasks)...) {}
    when_any_awaiter(when_any_awaiter&&) noexcept = default;
    when_any_awaiter& operator=(when_any_awaiter&&) = delete;
    ~when_any_awaiter() { check_awaited_tasks(std::get<0>(tasks_), "when_any()"); }

    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        return join_.start(parent, environment_of_promise(parent), promises(), true);
    }
    result await_resume() {
        const auto children = promises();
        const auto winner = static_cast<std::size_t>(std::ranges::find(children, join_.first()) - children.begin());
        if (join_.first()->failed())
            rethrow_first(*join_.first(), [&](auto add) {
                for (const promise_base* child : children)
                    add(*child);
            });
        return pick(winner, std::index_sequence_for<Ts...>{});
    }

private:
    [[nodiscard]] std::array<promise_base*, sizeof...(Ts)> promises() const noexcept {
        return std::apply(
            [](const auto&... t) { return std::array<promise_base*, sizeof...(Ts)>{&t.frame().promise()...}; }, tasks_);
    }
    template <std::size_t... Is>
    result pick(std::size_t winner, std::index_sequence<Is...>) {
        std::optional<result> r;
        ((winner == Is ? void(r.emplace(std::in_place_index<Is>, take_value(std::get<Is>(tasks_)))) : void()), ...);
        return std::move(*r);
    }

    join join_;
    std::tuple<task<Ts>...> tasks_;  // destroyed first: their frames may hold stop callbacks of the join
};

template <class T>
class [[nodiscard]] when_any_range_awaiter {
    using result = any_element<element_of_result<T>>;

public:
    using resumes_at_home = void;
    explicit when_any_range_awaiter(task_list<T>&& tasks) noexcept : tasks_(std::move(tasks)) {}
    when_any_range_awaiter(when_any_range_awaiter&&) noexcept = default;
    when_any_range_awaiter& operator=(when_any_range_awaiter&&) = delete;
    ~when_any_range_awaiter() {
        if (!tasks_.empty()) check_awaited_tasks(*tasks_.data(), "when_any()");
    }

    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        return join_.start(parent, environment_of_promise(parent), promises(), true);
    }
    result await_resume() {
        if (join_.first()->failed())
            rethrow_first(*join_.first(), [this](auto add) {
                for (std::size_t i = 0; i != tasks_.size(); ++i)
                    add(*promises()[i]);
            });
        std::size_t winner = 0;
        while (promises()[winner] != join_.first())
            ++winner;
        return result(winner, take_value(tasks_.data()[winner]));
    }

private:
    [[nodiscard]] promises_of<T> promises() const noexcept { return {tasks_.data(), tasks_.size()}; }

    join join_;
    task_list<T> tasks_;  // destroyed first: their frames may hold stop callbacks of the join
};

}  // namespace detail

/// Runs all awaitables. The first to end wins: completes with its value, or rethrows its error. Stop of the others is
/// requested, and they have ended when this completes; their results are discarded. For channels use `select`, which
/// performs exactly one of its operations.
///
/// Stop: passed on to all. Resumes: at home.
template <awaitable A, awaitable... As>
[[nodiscard]] auto when_any(A a, As... as) {
    return detail::when_any_awaiter<await_result_t<A>, await_result_t<As>...>(detail::as_task(std::move(a)),
                                                                              detail::as_task(std::move(as))...);
}

/// The same over a range of awaitables of one type, which are moved from; completes with an `any_element`, whose
/// `index()` is the winner's position and whose `value()` is its result (`std::monostate` for `void`).
///
/// @throws std::invalid_argument if the range is empty
template <std::ranges::input_range R>
    requires awaitable<std::ranges::range_value_t<R>>
[[nodiscard]] auto when_any(R&& range) {
    using value = await_result_t<std::ranges::range_value_t<R>>;
    detail::task_list<value> tasks(std::forward<R>(range));
    if (tasks.empty()) throw std::invalid_argument("when_any: the range of awaitables is empty, so none can end first");
    return detail::when_any_range_awaiter<value>(std::move(tasks));
}

CADRE_REFUSE_OTHERS(when_any, "cadre::when_any(awaitables...) takes one or more awaitables, as tasks, or a range of "
                              "them; for several receives use select");

}  // namespace cadre
