/// @file
/// The standard templates that are portable if their elements are: each is listed with its element types.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <ratio>
#include <set>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <cadre/detail/base/filesystem_path.hpp>
#include <cadre/detail/codec/fields.hpp>
#include <cadre/detail/codec/portable_kinds.hpp>

namespace cadre::detail {

/// `type` lists the types that must be portable. Other types have no specialisation.
template <class T>
struct element_types_of {};

template <class... Elements>
struct element_types {
    using type = type_list<Elements...>;
};

/// `std::complex`, recognised without its heavy header: two floating-point numbers, and nothing else. A class of the
/// program that has this interface and a `serialize` member is encoded by that member.
template <class C, class T>
concept complex_number =
    std::is_floating_point_v<T> && !has_serialize<C> && std::is_trivially_copyable_v<C> && sizeof(C) == 2 * sizeof(T) &&
    std::is_same_v<typename C::value_type, T> && std::is_constructible_v<C, T, T> && requires(const C& c) {
        { c.real() } -> std::same_as<T>;
        { c.imag() } -> std::same_as<T>;
    };

template <class T>
concept has_element_types = requires { typename element_types_of<T>::type; };

/// A comparison or hash that a container default-constructs: it has no state to encode.
template <class F>
inline constexpr bool recreatable = std::is_default_constructible_v<F> && std::is_empty_v<F>;

template <class T, class A>
struct element_types_of<std::vector<T, A>> : element_types<T> {};
template <class T, class A>
struct element_types_of<std::deque<T, A>> : element_types<T> {};
template <class T, class A>
struct element_types_of<std::list<T, A>> : element_types<T> {};
template <class T, class A>
struct element_types_of<std::forward_list<T, A>> : element_types<T> {};
template <class C, class Tr, class A>
struct element_types_of<std::basic_string<C, Tr, A>> : element_types<C> {};

template <class K, class C, class A>
    requires recreatable<C>
struct element_types_of<std::set<K, C, A>> : element_types<K> {};
template <class K, class C, class A>
    requires recreatable<C>
struct element_types_of<std::multiset<K, C, A>> : element_types<K> {};
template <class K, class V, class C, class A>
    requires recreatable<C>
struct element_types_of<std::map<K, V, C, A>> : element_types<K, V> {};
template <class K, class V, class C, class A>
    requires recreatable<C>
struct element_types_of<std::multimap<K, V, C, A>> : element_types<K, V> {};

template <class K, class H, class E, class A>
    requires(recreatable<H> && recreatable<E>)
struct element_types_of<std::unordered_set<K, H, E, A>> : element_types<K> {};
template <class K, class H, class E, class A>
    requires(recreatable<H> && recreatable<E>)
struct element_types_of<std::unordered_multiset<K, H, E, A>> : element_types<K> {};
template <class K, class V, class H, class E, class A>
    requires(recreatable<H> && recreatable<E>)
struct element_types_of<std::unordered_map<K, V, H, E, A>> : element_types<K, V> {};
template <class K, class V, class H, class E, class A>
    requires(recreatable<H> && recreatable<E>)
struct element_types_of<std::unordered_multimap<K, V, H, E, A>> : element_types<K, V> {};

template <class A, class B>
struct element_types_of<std::pair<A, B>> : element_types<A, B> {};
template <class... Ts>
struct element_types_of<std::tuple<Ts...>> : element_types<Ts...> {};
template <class T, std::size_t N>
struct element_types_of<std::array<T, N>> : element_types<T> {};
template <class T>
struct element_types_of<std::optional<T>> : element_types<T> {};
template <class... Ts>
struct element_types_of<std::variant<Ts...>> : element_types<Ts...> {};
template <template <class> class C, class T>
    requires complex_number<C<T>, T>
struct element_types_of<C<T>> : element_types<T> {};
template <class R, class P>
struct element_types_of<std::chrono::duration<R, P>> : element_types<R> {};
template <class C, class D>
struct element_types_of<std::chrono::time_point<C, D>> : element_types<D> {};

template <>
struct element_types_of<std::monostate> : element_types<> {};
template <>
struct element_types_of<std::filesystem::path> : element_types<> {};
template <>
struct element_types_of<std::error_code> : element_types<> {};
template <>
struct element_types_of<std::error_condition> : element_types<> {};
template <>
struct element_types_of<std::chrono::day> : element_types<> {};
template <>
struct element_types_of<std::chrono::month> : element_types<> {};
template <>
struct element_types_of<std::chrono::year> : element_types<> {};
template <>
struct element_types_of<std::chrono::weekday> : element_types<> {};
template <>
struct element_types_of<std::chrono::month_day> : element_types<> {};
template <>
struct element_types_of<std::chrono::year_month> : element_types<> {};
template <>
struct element_types_of<std::chrono::year_month_day> : element_types<> {};

}  // namespace cadre::detail
