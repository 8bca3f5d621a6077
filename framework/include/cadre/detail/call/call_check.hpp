/// @file
/// Whether a call is accepted: the function, its parameters, arguments and result.
#pragma once

#include <concepts>
#include <tuple>
#include <type_traits>

#include <cadre/detail/call/packaged_call.hpp>
#include <cadre/detail/codec/portable_require.hpp>
#include <cadre/detail/coroutine/awaitable.hpp>

namespace cadre::detail {

// A concept, so that `takes_lvalues` is not instantiated needlessly: a call with lvalues may not compile if they cannot
// be copied.
template <class F, class... As>
concept takes_lvalues_alone = !takes_moved<F, As...> && takes_lvalues<F, As...>;

/// A function that takes only lvalues changes them; its signature may be unknown, as that of a generic lambda.
template <class F, class Tuple>
inline constexpr bool takes_only_lvalues = false;
template <class F, class... As>
inline constexpr bool takes_only_lvalues<F, std::tuple<As...>> =
    takes_lvalues_alone<F, As...> && !(portable_handle<As> && ...);

/// The function of a call that runs here, and its result.
template <class F, class Stored>
consteval auto check_result() {
    using raw = typename raw_result<F, Stored>::type;
    using result = typename task_value<std::remove_cvref_t<raw>>::type;
    if constexpr (std::is_reference_v<raw>)
        return portability<portability_reason::returns_reference, raw>{};
    else if constexpr (coroutine_object<result>)
        return portability<portability_reason::returns_coroutine, result>{};
    else if constexpr (process_bound<result>)
        return portability<portability_reason::returns_handle, result>{};
    else
        return accepted{};
}

/// The same for a call that may run in another process.
template <class F, class Stored>
consteval auto check_portable() {
    using local = decltype(check_result<F, Stored>());
    using function = portability_of<F>;
    if constexpr (function::reason != portability_reason::none) {
        return function{};
    } else if constexpr (any_loses_changes<typename declared_parameters<F>::type> || takes_only_lvalues<F, Stored>) {
        return portability<portability_reason::lost_change, F>{};
    } else {
        using argument = decltype([]<class... As>(std::type_identity<std::tuple<As...>>) {
            return check_all(type_list<As...>{}, type_list<>{});
        }(std::type_identity<Stored>{}));
        if constexpr (argument::reason != portability_reason::none) {
            return argument{};
        } else if constexpr (local::reason != portability_reason::none) {
            return local{};
        } else {
            using raw = typename raw_result<F, Stored>::type;
            using result = typename task_value<std::remove_cvref_t<raw>>::type;
            if constexpr (std::is_void_v<result>)
                return accepted{};
            else
                return portability_of<result>{};
        }
    }
}

/// Whether the arguments can be stored: an lvalue is copied.
template <class Stored, class... Args>
inline constexpr bool stores = false;
template <class... As, class... Args>
    requires(sizeof...(As) == sizeof...(Args))
inline constexpr bool stores<std::tuple<As...>, Args...> = (std::is_constructible_v<As, Args> && ...);

/// `Portable`: the call may run in another process.
template <bool Portable, class F, class... Args>
consteval auto check_call() {
    using function = std::decay_t<F>;
    if constexpr (awaitable<function> || coroutine_object<function>) {
        return portability<portability_reason::coroutine_given, function>{};
    } else if constexpr (!callable_with<F, Args...>) {
        if constexpr (Portable && portability_of<function>::reason != portability_reason::none)
            return portability_of<function>{};
        else if constexpr (Portable && !is_function_pointer<function> && !class_with_call<function>)
            return portability<portability_reason::not_callable_object, function>{};
        else
            return portability<portability_reason::not_callable, function>{};
    } else {
        using stored = stored_arguments_t<F, Args...>;
        using verdict = decltype([] {
            if constexpr (Portable)
                return check_portable<function, stored>();
            else
                return check_result<function, stored>();
        }());
        if constexpr (verdict::reason == portability_reason::none && !stores<stored, Args...>)
            return portability<portability_reason::not_copyable_argument, std::tuple<Args...>>{};
        else
            return verdict{};
    }
}

template <class F, class... Args>
using portable_call_check = decltype(check_call<true, F, Args...>());
template <class F, class... Args>
using local_call_check = decltype(check_call<false, F, Args...>());

template <class Verdict>
concept accepts = Verdict::reason == portability_reason::none;

template <class F, class... Args>
struct call_result_of {
    using type = refused;
};
template <class F, class... Args>
    requires callable_with<F, Args...>
struct call_result_of<F, Args...> {
    using type =
        std::decay_t<typename task_value<std::remove_cvref_t<typename packaged_call_for<F, Args...>::raw>>::type>;
};

}  // namespace cadre::detail
