/// @file
/// `portable<T>`: a type whose values can be sent to another process as an argument, a result or a message.
///
///     struct node { int value; std::vector<node> children; };   // an aggregate: nothing to declare
///     static_assert(cadre::portable<node>);
///     static_assert(!cadre::portable<std::string_view>);        // refers to memory that it does not own
///
/// These types are portable: arithmetic types, enumerations, `std::string`, `std::filesystem::path`, `std::chrono`
/// values, `std::error_code`, the standard containers, `std::pair`, `std::tuple`, `std::array`, `std::optional`,
/// `std::variant`, `std::unique_ptr` of a portable class without virtual functions, aggregates of portable members (up
/// to 32 members, recursive ones too), classes with a cereal-style `template <class A> void serialize(A&)` and a
/// default constructor, functions, captureless lambdas, and this library's handles.
#pragma once

#include <type_traits>

#include <cadre/detail/codec/portability_check.hpp>
#include <cadre/detail/codec/portable_require.hpp>
#include <cadre/detail/codec/portable_signature.hpp>

namespace cadre {

/// Values of `T` can be sent to another process, where an equal value is rebuilt.
template <class T>
concept portable = detail::portability_of<T>::reason == detail::portability_reason::none;

/// `F` can be called in another process: a function, a captureless lambda, the result of `bind_portable`, or a portable
/// aggregate with `operator()`.
template <class F>
concept portable_callable = portable<std::decay_t<F>> &&
                            (detail::is_function_pointer<std::decay_t<F>> || detail::class_with_call<std::decay_t<F>>);

}  // namespace cadre
