/// @file
/// Which standard templates are portable if their parts are: each is named with the types it consists of.
#pragma once

#include <array>
#include <chrono>
#include <complex>
#include <cstddef>
#include <deque>
#include <filesystem>
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

#include <cadre/detail/fields.hpp>

namespace cadre::detail {

/// `type` lists what must be portable; a type without a specialisation is no such template.
template <class T>
struct portable_parts {};

template <class... Parts>
struct made_of {
    using type = type_list<Parts...>;
};

template <class T>
concept has_portable_parts = requires { typename portable_parts<T>::type; };

/// A comparison, hash or allocator that a container makes by itself: it must have no state to carry.
template <class F>
inline constexpr bool recreatable = std::is_default_constructible_v<F> && std::is_empty_v<F>;

template <class T, class A>
struct portable_parts<std::vector<T, A>> : made_of<T> {};
template <class T, class A>
struct portable_parts<std::deque<T, A>> : made_of<T> {};
template <class T, class A>
struct portable_parts<std::list<T, A>> : made_of<T> {};
template <class T, class A>
struct portable_parts<std::forward_list<T, A>> : made_of<T> {};
template <class C, class Tr, class A>
struct portable_parts<std::basic_string<C, Tr, A>> : made_of<C> {};

template <class K, class C, class A>
    requires recreatable<C>
struct portable_parts<std::set<K, C, A>> : made_of<K> {};
template <class K, class C, class A>
    requires recreatable<C>
struct portable_parts<std::multiset<K, C, A>> : made_of<K> {};
template <class K, class V, class C, class A>
    requires recreatable<C>
struct portable_parts<std::map<K, V, C, A>> : made_of<K, V> {};
template <class K, class V, class C, class A>
    requires recreatable<C>
struct portable_parts<std::multimap<K, V, C, A>> : made_of<K, V> {};

template <class K, class H, class E, class A>
    requires(recreatable<H> && recreatable<E>)
struct portable_parts<std::unordered_set<K, H, E, A>> : made_of<K> {};
template <class K, class H, class E, class A>
    requires(recreatable<H> && recreatable<E>)
struct portable_parts<std::unordered_multiset<K, H, E, A>> : made_of<K> {};
template <class K, class V, class H, class E, class A>
    requires(recreatable<H> && recreatable<E>)
struct portable_parts<std::unordered_map<K, V, H, E, A>> : made_of<K, V> {};
template <class K, class V, class H, class E, class A>
    requires(recreatable<H> && recreatable<E>)
struct portable_parts<std::unordered_multimap<K, V, H, E, A>> : made_of<K, V> {};

template <class A, class B>
struct portable_parts<std::pair<A, B>> : made_of<A, B> {};
template <class... Ts>
struct portable_parts<std::tuple<Ts...>> : made_of<Ts...> {};
template <class T, std::size_t N>
struct portable_parts<std::array<T, N>> : made_of<T> {};
template <class T>
struct portable_parts<std::optional<T>> : made_of<T> {};
template <class... Ts>
struct portable_parts<std::variant<Ts...>> : made_of<Ts...> {};
template <class T>
struct portable_parts<std::complex<T>> : made_of<T> {};
template <class R, class P>
struct portable_parts<std::chrono::duration<R, P>> : made_of<R> {};
template <class C, class D>
struct portable_parts<std::chrono::time_point<C, D>> : made_of<D> {};

template <>
struct portable_parts<std::monostate> : made_of<> {};
template <>
struct portable_parts<std::filesystem::path> : made_of<> {};
template <>
struct portable_parts<std::error_code> : made_of<> {};
template <>
struct portable_parts<std::error_condition> : made_of<> {};
template <>
struct portable_parts<std::chrono::day> : made_of<> {};
template <>
struct portable_parts<std::chrono::month> : made_of<> {};
template <>
struct portable_parts<std::chrono::year> : made_of<> {};
template <>
struct portable_parts<std::chrono::weekday> : made_of<> {};
template <>
struct portable_parts<std::chrono::month_day> : made_of<> {};
template <>
struct portable_parts<std::chrono::year_month> : made_of<> {};
template <>
struct portable_parts<std::chrono::year_month_day> : made_of<> {};

}  // namespace cadre::detail
