/// @file
/// A function together with its arguments, converted to its parameter types: the unit of `on`, `spawn` and `map`.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <iterator>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cadre/detail/base/populate.hpp>
#include <cadre/detail/codec/convert_argument.hpp>
#include <cadre/detail/codec/owned_view.hpp>
#include <cadre/detail/codec/portable_signature.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

template <class Params, class... Args>
struct stored_arguments {
    using type = std::tuple<std::decay_t<Args>...>;
};
// The parameter types of the function, where its signature is known: so a literal converts to `std::string`. The
// contents of a view are copied.
template <class... Ps, class... Args>
    requires(sizeof...(Ps) == sizeof...(Args) && (std::is_constructible_v<stored_parameter_t<Ps>, Args> && ...))
struct stored_arguments<std::tuple<Ps...>, Args...> {
    using type = std::tuple<stored_parameter_t<Ps>...>;
};

template <class F, class... As>
concept takes_moved = std::is_invocable_v<F&, As...>;
template <class F, class... As>
concept takes_lvalues = std::is_invocable_v<F&, As&...>;

template <class F, class Tuple>
struct raw_result;
template <class F, class... As>
    requires takes_moved<F, As...>
struct raw_result<F, std::tuple<As...>> {
    using type = std::invoke_result_t<F&, As...>;
};
template <class F, class... As>
    requires(!takes_moved<F, As...> && takes_lvalues<F, As...>)
struct raw_result<F, std::tuple<As...>> {
    using type = std::invoke_result_t<F&, As&...>;
};

template <class R>
struct task_value {
    using type = R;
};
template <class T>
struct task_value<task<T>> {
    using type = T;
};

/// Containers whose large copies are worth having their pages populated in bulk.
template <class C>
concept bulk_container = requires(C& c, const C& other) {
    requires std::is_trivially_copyable_v<typename C::value_type> && std::is_copy_assignable_v<typename C::value_type>;
    c.reserve(other.size());
    c.assign(other.begin(), other.end());
    { std::data(c) } -> std::same_as<typename C::value_type*>;
};

/// The argument for parameter `I`, of type `To`: passed on, or a copy of a large container.
template <class To, std::size_t I, class From>
[[nodiscard]] constexpr decltype(auto) kept_argument(From&& argument) {
    if constexpr (bulk_container<To> && std::is_lvalue_reference_v<From> &&
                  std::is_same_v<std::remove_cvref_t<From>, To>) {
        const std::size_t bytes = argument.size() * sizeof(typename To::value_type);
        if (bytes < populate_threshold) return To(argument);
        To copy;
        copy.reserve(argument.size());
        populate_for_writing(std::data(copy), bytes);
        copy.assign(argument.begin(), argument.end());
        return copy;
    } else {
        return fitting<To, I>(std::forward<From>(argument));
    }
}

/// `f(args…)`, to be called once. If `f` is a coroutine function, the packaged call must outlive its task.
template <class F, class Tuple>
class packaged_call {
public:
    using function = F;
    using arguments = Tuple;
    using raw = typename raw_result<F, Tuple>::type;
    /// Whether `f` is a coroutine function.
    static constexpr bool coroutine = is_task<std::remove_cvref_t<raw>>;
    using result = typename task_value<std::remove_cvref_t<raw>>::type;

    /// @throws std::range_error if an integer does not fit its parameter
    template <class G, class... Args>
    explicit packaged_call(std::in_place_t, G&& f, Args&&... args)
        : packaged_call(std::index_sequence_for<Args...>{}, std::forward<G>(f), std::forward<Args>(args)...) {}
    packaged_call(F f, Tuple values) : function_(std::move(f)), arguments_(std::move(values)) {}
    packaged_call(packaged_call&&) = default;
    packaged_call(const packaged_call&) = default;
    packaged_call& operator=(packaged_call&&) = delete;
    ~packaged_call() = default;

    /// Calls the function; moves the arguments.
    raw operator()() {
        return std::apply(
            [this](auto&... as) -> raw {
                if constexpr (std::is_invocable_v<F&, std::remove_reference_t<decltype(as)>...>)
                    return std::invoke(function_, std::move(as)...);
                else
                    return std::invoke(function_, as...);
            },
            arguments_);
    }

    [[nodiscard]] const F& target() const noexcept { return function_; }
    [[nodiscard]] const Tuple& stored() const noexcept { return arguments_; }

private:
    template <std::size_t... I, class G, class... Args>
    packaged_call(std::index_sequence<I...>, G&& f, Args&&... args)
        : function_(std::forward<G>(f)),
          arguments_(kept_argument<std::tuple_element_t<I, Tuple>, I>(std::forward<Args>(args))...) {}

    [[no_unique_address]] F function_;
    Tuple arguments_;
};

template <class F, class... Args>
using stored_arguments_t = typename stored_arguments<decayed_parameters_t<F>, Args...>::type;

template <class F, class... Args>
concept callable_with = requires { typename raw_result<std::decay_t<F>, stored_arguments_t<F, Args...>>::type; };

template <class F, class... Args>
using packaged_call_for = packaged_call<std::decay_t<F>, stored_arguments_t<F, Args...>>;

}  // namespace cadre::detail
