/// @file
/// The parameter types of a callable: arguments are converted to them before they are sent.
#pragma once

#include <tuple>
#include <type_traits>

#include <cadre/detail/codec/fields.hpp>
#include <cadre/detail/codec/portable_kinds.hpp>

namespace cadre::detail {

/// `type` is `std::tuple` of the decayed parameter types of a function, a captureless lambda or a class with exactly
/// one `operator()`; `void` if that is overloaded or a template.
template <class F>
struct decayed_parameters;

template <class Signature>
struct signature_parameters {
    using type = void;
    using declared = void;
};

// A signature may be noexcept, that of a member function also const and ref-qualified; `volatile` is not supported.
template <class R, class... Ps>
struct signature_parameters<R(Ps...)> {
    using type = std::tuple<std::decay_t<Ps>...>;
    using declared = type_list<Ps...>;
};
template <class R, class... Ps>
struct signature_parameters<R(Ps...) noexcept> : signature_parameters<R(Ps...)> {};
template <class R, class... Ps>
struct signature_parameters<R(Ps...) const> : signature_parameters<R(Ps...)> {};
template <class R, class... Ps>
struct signature_parameters<R(Ps...) const noexcept> : signature_parameters<R(Ps...)> {};
template <class R, class... Ps>
struct signature_parameters<R(Ps...) &> : signature_parameters<R(Ps...)> {};
template <class R, class... Ps>
struct signature_parameters<R(Ps...) & noexcept> : signature_parameters<R(Ps...)> {};
template <class R, class... Ps>
struct signature_parameters<R(Ps...) const&> : signature_parameters<R(Ps...)> {};
template <class R, class... Ps>
struct signature_parameters<R(Ps...) const & noexcept> : signature_parameters<R(Ps...)> {};
template <class R, class... Ps>
struct signature_parameters<R(Ps...) &&> : signature_parameters<R(Ps...)> {};
template <class R, class... Ps>
struct signature_parameters<R(Ps...) && noexcept> : signature_parameters<R(Ps...)> {};

template <class Member>
struct member_signature;
template <class Signature, class C>
struct member_signature<Signature C::*> {
    using type = Signature;
};

template <class F>
struct decayed_parameters : signature_parameters<std::remove_pointer_t<F>> {};

template <class F>
    requires requires { &F::operator(); }
struct decayed_parameters<F> : signature_parameters<typename member_signature<decltype(&F::operator())>::type> {};

/// `type_list` of the parameter types as they are declared, or `void`.
template <class F>
struct declared_parameters {
    using type = typename decayed_parameters<F>::declared;
};
template <class F>
    requires(!requires { typename decayed_parameters<F>::declared; })
struct declared_parameters<F> {
    using type = void;
};

template <class F>
using decayed_parameters_t = typename decayed_parameters<std::decay_t<F>>::type;

/// A parameter by which a function changes a copy: a reference that is not const, but to a handle.
template <class P>
inline constexpr bool loses_changes =
    std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>> && !portable_handle<std::decay_t<P>>;

template <class>
inline constexpr bool any_loses_changes = false;
template <class... Ps>
inline constexpr bool any_loses_changes<type_list<Ps...>> = (loses_changes<Ps> || ...);

}  // namespace cadre::detail
