/// @file
/// Whether a type can travel between processes and, if not, the reason and the part that is to blame.
#pragma once

#include <type_traits>

#include <cadre/detail/fields.hpp>
#include <cadre/detail/portable_kinds.hpp>
#include <cadre/detail/portable_parts.hpp>

namespace cadre::detail {

/// Why a type is not portable. Each has its sentence in portable_require.hpp.
enum class refusal {
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
    opaque_class
};

template <refusal R, class Offender>
struct verdict {
    static constexpr refusal reason = R;
    using offender = Offender;
};
using accepted = verdict<refusal::none, void>;

template <class T, class... Seen>
consteval auto judge(type_list<Seen...> seen);

/// The first refusal among the parts.
template <class... Seen>
consteval auto judge_all(type_list<>, type_list<Seen...>) {
    return accepted{};
}
template <class First, class... Rest, class... Seen>
consteval auto judge_all(type_list<First, Rest...>, type_list<Seen...> seen) {
    using first = decltype(judge<First>(seen));
    if constexpr (first::reason != refusal::none) {
        return first{};
    } else {
        return judge_all(type_list<Rest...>{}, seen);
    }
}

template <class T, class... Seen>
consteval auto judge_aggregate(type_list<Seen...> seen) {
    constexpr fields_problem problem = fields_problem_of<T>;
    if constexpr (problem == fields_problem::base_class) {
        return verdict<refusal::base_class, T>{};
    } else if constexpr (problem == fields_problem::c_array) {
        return verdict<refusal::c_array_member, T>{};
    } else if constexpr (problem == fields_problem::union_member) {
        return verdict<refusal::union_member, T>{};
    } else if constexpr (problem == fields_problem::too_many) {
        return verdict<refusal::too_many_members, T>{};
    } else if constexpr (problem == fields_problem::reference_member) {
        return verdict<refusal::reference_member, T>{};
    } else {
        return judge_all(field_types<T>{}, seen);
    }
}

template <class T, class... Seen>
consteval auto judge_class(type_list<Seen...> seen) {
    if constexpr (portable_handle<T>) {
        return accepted{};
    } else if constexpr (has_portable_parts<T>) {
        return judge_all(typename portable_parts<T>::type{}, seen);
    } else if constexpr (is_view<T>) {
        return verdict<refusal::view, T>{};
    } else if constexpr (is_reference_wrapper<T>) {
        return verdict<refusal::reference_wrapper, T>{};
    } else if constexpr (is_shared_pointer<T>) {
        return verdict<refusal::shared_pointer, T>{};
    } else if constexpr (is_std_function<T>) {
        return verdict<refusal::std_function, T>{};
    } else if constexpr (coroutine_object<T>) {
        return verdict<refusal::coroutine_object, T>{};
    } else if constexpr (process_bound<T>) {
        return verdict<refusal::process_bound, T>{};
    } else if constexpr (unique_pointer<T>::value) {
        if constexpr (!unique_pointer<T>::plain) {
            return verdict<refusal::unique_pointer, T>{};
        } else {
            using element = typename unique_pointer<T>::element;
            if constexpr (!is_complete<element>) {
                return verdict<refusal::incomplete, element>{};
            } else if constexpr (std::is_polymorphic_v<element>) {
                return verdict<refusal::polymorphic_pointee, T>{};
            } else {
                return judge<element>(seen);
            }
        }
    } else if constexpr (has_serialize<T>) {
        if constexpr (std::is_default_constructible_v<T> && std::is_move_constructible_v<T>) {
            return accepted{};
        } else {
            return verdict<refusal::not_rebuildable, T>{};
        }
    } else if constexpr (std::is_empty_v<T> && std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T>) {
        return accepted{};  // nothing to carry: the receiver makes its own, as of captureless lambdas or std::plus<>
    } else if constexpr (std::is_aggregate_v<T>) {
        return judge_aggregate<T>(seen);
    } else if constexpr (std::is_empty_v<T> && class_with_call<T>) {
        return verdict<refusal::default_capture_lambda, T>{};
    } else if constexpr (class_with_call<T> && !std::is_default_constructible_v<T>) {
        return verdict<refusal::capturing_lambda, T>{};
    } else if constexpr (std::is_polymorphic_v<T>) {
        return verdict<refusal::polymorphic, T>{};
    } else {
        return verdict<refusal::opaque_class, T>{};
    }
}

/// `Seen` holds the classes that are being judged further out: a recursive type is portable if the rest of it is.
template <class CvT, class... Seen>
consteval auto judge(type_list<Seen...>) {
    using T = std::remove_cv_t<CvT>;
    if constexpr (std::is_void_v<T>) {
        return verdict<refusal::is_void, T>{};
    } else if constexpr (std::is_reference_v<T>) {
        return verdict<refusal::reference, T>{};
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T> || is_function_pointer<T>) {
        return accepted{};
    } else if constexpr (std::is_pointer_v<T> || std::is_null_pointer_v<T> || std::is_function_v<T>) {
        return verdict<refusal::pointer, T>{};
    } else if constexpr (std::is_member_pointer_v<T>) {
        return verdict<refusal::member_pointer, T>{};
    } else if constexpr (std::is_array_v<T>) {
        return verdict<refusal::c_array, T>{};
    } else if constexpr (!is_complete<T>) {
        return verdict<refusal::incomplete, T>{};
    } else if constexpr (std::is_union_v<T>) {
        return verdict<refusal::raw_union, T>{};
    } else if constexpr ((std::is_same_v<T, Seen> || ...)) {
        return accepted{};
    } else if constexpr (std::is_class_v<T>) {
        return judge_class<T>(type_list<Seen..., T>{});
    } else {
        return verdict<refusal::opaque_class, T>{};  // extensions such as vector registers
    }
}

template <class T>
using verdict_of = decltype(judge<T>(type_list<>{}));

}  // namespace cadre::detail
