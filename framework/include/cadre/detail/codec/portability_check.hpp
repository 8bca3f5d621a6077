/// @file
/// Whether values of a type can be sent to another process; if not, the reason and the offending type.
#pragma once

#include <cstddef>
#include <type_traits>

#include <cadre/detail/codec/element_types.hpp>
#include <cadre/detail/codec/fields.hpp>
#include <cadre/detail/codec/portable_kinds.hpp>

namespace cadre::detail {

/// Why a type is not portable. portable_require.hpp has a message for each reason.
enum class portability_reason {
    none,
    is_void,
    pointer,
    reference,
    view,
    reference_wrapper,
    shared_pointer,
    unique_pointer,
    polymorphic_pointee,
    member_pointer,
    std_function,
    capturing_lambda,
    default_capture_lambda,
    coroutine_object,
    process_bound,
    incomplete,
    c_array,
    raw_union,
    base_class,
    c_array_member,
    union_member,
    too_many_members,
    reference_member,
    not_rebuildable,
    polymorphic,
    opaque_class,
    // Of the function of a call and its parameters:
    coroutine_given,
    not_callable,
    not_callable_object,
    not_copyable_argument,
    not_applicable,
    not_copyable_items,
    lost_change,
    returns_reference,
    returns_coroutine,
    returns_handle
};

/// Why something is refused: the offending type, and the innermost member that has it. Compilers print both beside the
/// sentence.
template <portability_reason R, class Offender, class Member = void>
struct portability {
    static constexpr portability_reason reason = R;
    using offender = Offender;
    using member = Member;
    template <portability_reason Refused>
    static constexpr bool is_not = R != Refused;
};
using accepted = portability<portability_reason::none, void>;

template <class T, class... Seen>
consteval auto check(type_list<Seen...> seen);

/// The first element type that is not portable decides.
template <class... Seen>
consteval auto check_all(type_list<>, type_list<Seen...>) {
    return accepted{};
}
template <class First, class... Rest, class... Seen>
consteval auto check_all(type_list<First, Rest...>, type_list<Seen...> seen) {
    using first = decltype(check<First>(seen));
    if constexpr (first::reason != portability_reason::none)
        return first{};
    else
        return check_all(type_list<Rest...>{}, seen);
}

/// The same for the members of `T`: the result names the member.
template <class T, std::size_t I, class... Seen>
consteval auto check_members(type_list<>, type_list<Seen...>) {
    return accepted{};
}
template <class T, std::size_t I, class First, class... Rest, class... Seen>
consteval auto check_members(type_list<First, Rest...>, type_list<Seen...> seen) {
    using first = decltype(check<First>(seen));
    if constexpr (first::reason == portability_reason::none)
        return check_members<T, I + 1>(type_list<Rest...>{}, seen);
    else if constexpr (std::is_void_v<typename first::member>)
        return portability<first::reason, typename first::offender, member_of<T, I>>{};
    else
        return first{};
}

template <class T, class... Seen>
consteval auto check_aggregate(type_list<Seen...> seen) {
    constexpr fields_problem problem = fields_problem_of<T>;
    if constexpr (problem == fields_problem::base_class)
        return portability<portability_reason::base_class, T>{};
    else if constexpr (problem == fields_problem::c_array)
        return portability<portability_reason::c_array_member, T>{};
    else if constexpr (problem == fields_problem::union_member)
        return portability<portability_reason::union_member, T>{};
    else if constexpr (problem == fields_problem::too_many)
        return portability<portability_reason::too_many_members, T>{};
    else if constexpr (problem == fields_problem::reference_member)
        return portability<portability_reason::reference_member, T>{};
    else
        return check_members<T, 0>(field_types<T>{}, seen);
}

template <class T, class... Seen>
consteval auto check_class(type_list<Seen...> seen) {
    if constexpr (portable_handle<T>) {
        return accepted{};
    } else if constexpr (has_element_types<T>) {
        return check_all(typename element_types_of<T>::type{}, seen);
    } else if constexpr (is_view<T>) {
        return portability<portability_reason::view, T>{};
    } else if constexpr (is_reference_wrapper<T>) {
        return portability<portability_reason::reference_wrapper, T>{};
    } else if constexpr (is_shared_pointer<T>) {
        return portability<portability_reason::shared_pointer, T>{};
    } else if constexpr (is_std_function<T>) {
        return portability<portability_reason::std_function, T>{};
    } else if constexpr (coroutine_object<T>) {
        return portability<portability_reason::coroutine_object, T>{};
    } else if constexpr (process_bound<T>) {
        return portability<portability_reason::process_bound, T>{};
    } else if constexpr (unique_pointer<T>::value) {
        if constexpr (!unique_pointer<T>::plain) {
            return portability<portability_reason::unique_pointer, T>{};
        } else {
            using element = typename unique_pointer<T>::element;
            if constexpr (!is_complete<element>)
                return portability<portability_reason::incomplete, element>{};
            else if constexpr (std::is_polymorphic_v<element>)
                return portability<portability_reason::polymorphic_pointee, T>{};
            else
                return check<element>(seen);
        }
    } else if constexpr (has_serialize<T>) {
        if constexpr (std::is_default_constructible_v<T> && std::is_move_constructible_v<T>)
            return accepted{};
        else
            return portability<portability_reason::not_rebuildable, T>{};
    } else if constexpr (std::is_empty_v<T> && std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T>) {
        return accepted{};  // no state, as with captureless lambdas or std::plus<>: the receiver default-constructs it
    } else if constexpr (std::is_aggregate_v<T>) {
        return check_aggregate<T>(seen);
    } else if constexpr (std::is_empty_v<T> && class_with_call<T>) {
        return portability<portability_reason::default_capture_lambda, T>{};
    } else if constexpr (class_with_call<T> && !std::is_default_constructible_v<T>) {
        return portability<portability_reason::capturing_lambda, T>{};
    } else if constexpr (std::is_polymorphic_v<T>) {
        return portability<portability_reason::polymorphic, T>{};
    } else {
        return portability<portability_reason::opaque_class, T>{};
    }
}

/// `Seen` lists the enclosing classes that are being checked: a recursive type is portable if its other members are.
template <class CvT, class... Seen>
consteval auto check(type_list<Seen...>) {
    using T = std::remove_cv_t<CvT>;
    if constexpr (std::is_void_v<T>)
        return portability<portability_reason::is_void, T>{};
    else if constexpr (std::is_reference_v<T>)
        return portability<portability_reason::reference, T>{};
    else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T> || is_function_pointer<T>)
        return accepted{};
    else if constexpr (std::is_pointer_v<T> || std::is_null_pointer_v<T> || std::is_function_v<T>)
        return portability<portability_reason::pointer, T>{};
    else if constexpr (std::is_member_pointer_v<T>)
        return portability<portability_reason::member_pointer, T>{};
    else if constexpr (std::is_array_v<T>)
        return portability<portability_reason::c_array, T>{};
    else if constexpr (!is_complete<T>)
        return portability<portability_reason::incomplete, T>{};
    else if constexpr (std::is_union_v<T>)
        return portability<portability_reason::raw_union, T>{};
    else if constexpr ((std::is_same_v<T, Seen> || ...))
        return accepted{};
    else if constexpr (std::is_class_v<T>)
        return check_class<T>(type_list<Seen..., T>{});
    else
        return portability<portability_reason::opaque_class, T>{};  // extensions such as vector registers
}

/// The result of what is refused: it converts to anything, so that the refusal stays the only error.
struct refused {
    template <class T>
    explicit(false) operator T() const;
};

template <class T>
using portability_of = decltype(check<T>(type_list<>{}));

}  // namespace cadre::detail
