/// @file
/// Which types can live in memory that several processes map.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <type_traits>

#include <cadre/detail/codec/portability_check.hpp>

namespace cadre::detail {

/// Whether the bytes of a T have the same meaning in every process: trivially copyable, without addresses. (A function
/// pointer is portable as a message, which names the function, but not as plain bytes.)
template <class T>
consteval bool is_shareable();

template <class... Members>
consteval bool all_shareable(type_list<Members...>) {
    return (is_shareable<Members>() && ...);
}

template <class T>
consteval bool is_shareable() {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>)
        return !std::is_const_v<T> && !std::is_volatile_v<T>;
    else if constexpr (!std::is_class_v<T> || std::is_const_v<T> || std::is_volatile_v<T>)
        return false;
    else if constexpr (!std::is_trivially_copyable_v<T> || portable_handle<T>)
        return false;
    else if constexpr (has_element_types<T>)
        return all_shareable(typename element_types_of<T>::type{});
    else if constexpr (portability_of<T>::reason != portability_reason::none)
        return false;
    else if constexpr (has_serialize<T> || std::is_empty_v<T>)
        return true;
    else
        return all_shareable(field_types<T>{});
}

template <class T>
concept shareable = is_shareable<T>();

template <class T>
consteval void require_shareable() {
    constexpr bool has_c_array = portability_of<T>::reason == portability_reason::c_array_member;
    static_assert(
        !has_c_array,
        "not shareable: whether the elements of a C array are pointers cannot be checked in an aggregate; make the "
        "array member a std::array");
    static_assert(
        has_c_array || shareable<T>,
        "not shareable: T must be a trivially copyable type without pointers, references or views: it lives in memory "
        "that each process maps at an address of its own");
}

/// Types with lock-free atomic access if they are suitably aligned.
template <class T>
concept lock_free = std::is_trivially_copyable_v<T> && std::atomic_ref<T>::is_always_lock_free;

template <class T>
consteval std::size_t value_alignment() {
    if constexpr (lock_free<T>)
        return std::max(alignof(T), std::atomic_ref<T>::required_alignment);
    else
        return alignof(T);
}

/// A value aligned for atomic access. Aligning the memory alone is not enough: clang uses the alignment of the type,
/// and would access a struct of two ints through library locks.
template <class T>
struct alignas(value_alignment<T>()) whole {
    T value;
};

/// Types whose array elements can be accessed atomically in place.
template <class T>
concept lock_free_element = lock_free<T> && value_alignment<T>() == alignof(T);

/// Types with `fetch_add` and `fetch_sub`.
template <class T>
concept addable = lock_free_element<T> && std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;
/// Types with `fetch_and`, `fetch_or` and `fetch_xor`.
template <class T>
concept maskable = addable<T> && std::is_integral_v<T>;

}  // namespace cadre::detail
