/// @file
/// The number of members of an aggregate, and whether structured bindings can decompose it: found by trying brace
/// initialisation with a value that converts to anything.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include <cadre/detail/codec/portable_kinds.hpp>

namespace cadre {
class executor;
}

namespace cadre::detail {

/// Aggregates with more members are rejected: the structured bindings in fields.hpp are written out up to this number.
inline constexpr std::size_t max_fields = 32;

/// Why an aggregate cannot be decomposed.
enum class fields_problem { none, base_class, c_array, union_member, too_many, reference_member };

/// Converts to the type of any member, by value: a by-reference conversion would be ambiguous for move-only members.
/// Never called; it has a body because the compiler may instantiate a constexpr constructor that would call it.
template <class Aggregate>
struct any_field {
    template <class U>
        requires(!std::is_same_v<U, Aggregate>)
    operator U() const {
        std::abort();
    }
};

template <class Aggregate>
struct any_base {
    template <class U>
        requires(std::is_base_of_v<U, Aggregate> && !std::is_same_v<U, Aggregate>)
    operator U() const {
        std::abort();
    }
};

/// Finds anonymous unions: structured bindings reject them with an error that no constraint can catch.
struct any_union {
    template <class U>
        requires std::is_union_v<U>
    operator U() const {
        std::abort();
    }
};

/// Selects the move constructor where a converting constructor from a scalar would make `{any}` ambiguous.
struct any_class {
    template <class U>
        requires std::is_class_v<U>
    operator U() const {
        std::abort();
    }
};

/// Selects the move constructor of a handle. It has a private constructor from what it names, and perhaps one from an
/// executor, with which g++ 12 finds `{any}` ambiguous.
struct any_handle {
    template <class U>
        requires(portable_handle<U> && !std::is_same_v<U, executor>)
    operator U() const {
        std::abort();
    }
};

/// Converts to nothing: only a member with an unconstrained converting constructor accepts it, which proves nothing.
struct inert {};

template <class T, std::size_t>
using indexed = T;

template <class T, std::size_t... I>
consteval bool braces_accept(std::index_sequence<I...>) {
    return requires { T{indexed<any_field<T>, I>{}...}; };
}

template <class T, class At, std::size_t... Before, std::size_t... After>
consteval bool braces_accept_at(std::index_sequence<Before...>, std::index_sequence<After...>) {
    return requires { T{indexed<any_field<T>, Before>{}..., At{}, indexed<any_field<T>, After>{}...}; };
}

/// Tries `{}` or `{any}` for one member and a value for each of the others. A C array consumes several flat
/// initialisers, so that one braced initialiser for it leaves too many. One after the other: `{any}` would instantiate
/// the copy of a vector's elements, which may be move-only.
template <class T, std::size_t... Before, std::size_t... After>
consteval bool single_member_at(std::index_sequence<Before...>, std::index_sequence<After...>) {
    if constexpr (requires { T{indexed<any_field<T>, Before>{}..., {}, indexed<any_field<T>, After>{}...}; })
        return true;
    else if constexpr (requires {
                           T{indexed<any_field<T>, Before>{}..., {any_field<T>{}}, indexed<any_field<T>, After>{}...};
                       })
        return true;
    else if constexpr (requires {
                           T{indexed<any_field<T>, Before>{}..., {any_class{}}, indexed<any_field<T>, After>{}...};
                       })
        return true;
    else
        return requires { T{indexed<any_field<T>, Before>{}..., {any_handle{}}, indexed<any_field<T>, After>{}...}; };
}

inline constexpr std::size_t no_count = static_cast<std::size_t>(-1);

/// The numbers of initialisers that brace initialisation accepts form an interval, because members without a default
/// need one: returns its upper end.
template <class T, std::size_t N = 0, bool Accepted = false>
consteval std::size_t count_fields() {
    if constexpr (N > max_fields + 1)
        return Accepted ? N - 1 : no_count;
    else if constexpr (braces_accept<T>(std::make_index_sequence<N>{}))
        return count_fields<T, N + 1, true>();
    else if constexpr (Accepted)
        return N - 1;
    else
        return count_fields<T, N + 1, false>();
}

template <class T>
inline constexpr std::size_t field_count = count_fields<T>();

template <class T, std::size_t N, std::size_t... I>
consteval bool has_c_array(std::index_sequence<I...>) {
    return !(single_member_at<T>(std::make_index_sequence<I>{}, std::make_index_sequence<N - I - 1>{}) && ...);
}

template <class T, std::size_t I, std::size_t N, class Probe>
consteval bool only_converted_at() {
    using before = std::make_index_sequence<I>;
    using after = std::make_index_sequence<N - I - 1>;
    return braces_accept_at<T, Probe>(before{}, after{}) && !braces_accept_at<T, inert>(before{}, after{});
}

template <class T, std::size_t N, std::size_t... I>
consteval bool has_union(std::index_sequence<I...>) {
    return (only_converted_at<T, I, N, any_union>() || ...);
}

template <class T>
consteval fields_problem find_fields_problem() {
    constexpr std::size_t n = field_count<T>;
    if constexpr (n == no_count)
        return fields_problem::reference_member;
    else if constexpr (n > max_fields)
        return fields_problem::too_many;
    else if constexpr (n == 0)
        return fields_problem::none;
    else if constexpr (only_converted_at<T, 0, n, any_base<T>>())
        return fields_problem::base_class;
    else if constexpr (has_union<T, n>(std::make_index_sequence<n>{}))
        return fields_problem::union_member;
    else if constexpr (has_c_array<T, n>(std::make_index_sequence<n>{}))
        return fields_problem::c_array;
    else
        return fields_problem::none;
}

template <class T>
inline constexpr fields_problem fields_problem_of = find_fields_problem<T>();

}  // namespace cadre::detail
