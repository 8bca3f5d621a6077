/// @file
/// `bind_portable(f, args...)`: a callable with bound arguments that can be sent to another process, unlike a capturing
/// lambda.
///
///     int scale(int factor, int x) { return factor * x; }
///     auto tripled = co_await cadre::map(ex, cadre::bind_portable(scale, 3), std::views::iota(0, 100));
#pragma once

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/codec/callable_ref.hpp>
#include <cadre/detail/codec/codec_products.hpp>
#include <cadre/detail/codec/convert_argument.hpp>
#include <cadre/detail/codec/owned_view.hpp>
#include <cadre/portable.hpp>

namespace cadre {

/// The result of `bind_portable`. Portable, callable with the remaining arguments; copyable if the bound arguments are.
/// A call of an lvalue passes the bound arguments as lvalues, a call of an rvalue moves from them.
template <class F, class... Bound>
class portable_binding {
public:
    explicit portable_binding(F function, std::tuple<Bound...> bound)
        : function_(std::move(function)), bound_(std::move(bound)) {}

    template <class... Rest>
        requires std::invocable<F&, Bound&..., Rest...>
    decltype(auto) operator()(Rest&&... rest) & {
        return call(function_, bound_, std::forward<Rest>(rest)...);
    }
    template <class... Rest>
        requires std::invocable<const F&, const Bound&..., Rest...>
    decltype(auto) operator()(Rest&&... rest) const& {
        return call(function_, bound_, std::forward<Rest>(rest)...);
    }
    template <class... Rest>
        requires std::invocable<F, Bound..., Rest...>
    decltype(auto) operator()(Rest&&... rest) && {
        return call(std::move(function_), std::move(bound_), std::forward<Rest>(rest)...);
    }

private:
    friend struct detail::codec<portable_binding>;
    friend struct detail::callable_access<portable_binding>;

    template <class Function, class Tuple, class... Rest>
    static decltype(auto) call(Function&& function, Tuple&& bound, Rest&&... rest) {
        return std::apply(
            [&]<class... Fixed>(Fixed&&... fixed) -> decltype(auto) {
                return std::invoke(std::forward<Function>(function), std::forward<Fixed>(fixed)...,
                                   std::forward<Rest>(rest)...);
            },
            std::forward<Tuple>(bound));
    }

    [[no_unique_address]] F function_;
    [[no_unique_address]] std::tuple<Bound...> bound_;
};

namespace detail {

template <class F, class... Bound>
struct callable_access<portable_binding<F, Bound...>> {
    [[nodiscard]] static callable_ref of(const portable_binding<F, Bound...>& f) noexcept {
        return callable_of(f.function_);
    }
};

template <class F, class... Bound>
struct element_types_of<portable_binding<F, Bound...>> : element_types<F, Bound...> {};

template <class F, class... Bound>
struct codec<portable_binding<F, Bound...>> {
    using binding = portable_binding<F, Bound...>;
    static void encode(encoder& out, const binding& value) {
        codec<F>::encode(out, value.function_);
        codec<std::tuple<Bound...>>::encode(out, value.bound_);
    }
    static binding decode(decoder& in) {
        auto function = detail::decode<F>(in);
        return binding(std::move(function), codec<std::tuple<Bound...>>::decode(in));
    }
    static consteval std::size_t min_encoded_size() {
        return min_encoded_size_of<F>() + min_encoded_size_of<std::tuple<Bound...>>();
    }
};

/// The parameters that remain after the first `Count` are bound.
template <class Parameters, std::size_t Count>
struct split_parameters;
template <class... Rest>
struct split_parameters<std::tuple<Rest...>, 0> {
    using rest = std::tuple<Rest...>;
};
template <class First, class... Rest, std::size_t Count>
    requires(Count > 0)
struct split_parameters<std::tuple<First, Rest...>, Count> : split_parameters<std::tuple<Rest...>, Count - 1> {};
template <std::size_t Count>
struct split_parameters<void, Count> {
    using rest = void;
};

template <class F, class... Bound>
struct decayed_parameters<portable_binding<F, Bound...>> {
    using type = typename split_parameters<decayed_parameters_t<F>, sizeof...(Bound)>::rest;
};

/// The stored type of argument `I`: the decayed parameter type if the signature is known, else the decayed argument
/// type.
template <class Parameters, std::size_t I, class Argument>
struct stored_argument {
    using type = std::decay_t<Argument>;
};
template <class... Ps, std::size_t I, class Argument>
    requires(I < sizeof...(Ps))
struct stored_argument<std::tuple<Ps...>, I, Argument> {
    using type = stored_parameter_t<std::tuple_element_t<I, std::tuple<Ps...>>>;
};

template <class F, class... Args, std::size_t... I>
auto make_binding(std::index_sequence<I...>, F&& f, Args&&... args) {
    using function = std::decay_t<F>;
    using parameters = decayed_parameters_t<function>;
    using stored = std::tuple<typename stored_argument<parameters, I, Args>::type...>;
    require_fitting<parameters>(args...);
    return portable_binding<function, typename stored_argument<parameters, I, Args>::type...>(
        std::forward<F>(f), stored(std::forward<Args>(args)...));
}

/// Whether `bind_portable` accepts the function and its arguments.
template <class F, class... Args, std::size_t... I>
consteval auto check_binding(std::index_sequence<I...>) {
    using function = std::decay_t<F>;
    using parameters = decayed_parameters_t<function>;
    using checked = portability_of<function>;
    if constexpr (checked::reason != portability_reason::none)
        return checked{};
    else if constexpr (!is_function_pointer<function> && !class_with_call<function>)
        return portability<portability_reason::not_callable_object, function>{};
    else if constexpr (any_loses_changes<typename declared_parameters<function>::type>)
        return portability<portability_reason::lost_change, function>{};
    else
        return check_all(type_list<typename stored_argument<parameters, I, Args>::type...>{}, type_list<>{});
}

}  // namespace detail

/// Binds the first parameters of `f`. Arguments are converted to the decayed parameter types of `f`, so that a string
/// literal converts to `std::string`, and stored by value. Does not compile if `f` or an argument is not portable.
template <class F, class... Args>
[[nodiscard]] auto bind_portable(F&& f, Args&&... args) {
    using checked = decltype(detail::check_binding<F, Args...>(std::index_sequence_for<Args...>{}));
#include <cadre/detail/codec/refusals.def>
    if constexpr (checked::reason == detail::portability_reason::none)
        return detail::make_binding(std::index_sequence_for<Args...>{}, std::forward<F>(f),
                                    std::forward<Args>(args)...);
    else
        return detail::refused{};
}

CADRE_REFUSE_OTHERS(bind_portable,
                    "cadre::bind_portable(f, args...) takes a function and arguments for its first parameters; of a "
                    "function that is overloaded or a template, pass a lambda that calls it");

}  // namespace cadre
