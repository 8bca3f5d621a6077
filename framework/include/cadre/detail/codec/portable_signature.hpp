/// @file
/// The parameter types of a callable: arguments are converted to them before they are sent.
#pragma once

#include <tuple>
#include <type_traits>

namespace cadre::detail {

/// `type` is `std::tuple` of the decayed parameter types of a function, a captureless lambda or a class with exactly
/// one `operator()`; `void` if that is overloaded or a template.
template <class F>
struct decayed_parameters;

template <class Signature>
struct signature_parameters {
    using type = void;
};

// A signature may be noexcept, that of a member function also const and ref-qualified; `volatile` is not supported.
template <class R, class... Ps>
struct signature_parameters<R(Ps...)> {
    using type = std::tuple<std::decay_t<Ps>...>;
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

template <class F>
using decayed_parameters_t = typename decayed_parameters<std::decay_t<F>>::type;

}  // namespace cadre::detail
