/// @file
/// `codec<T>`: encodes and decodes one type. The other codec headers specialise it, one header for each family of
/// types.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/codec/fields.hpp>
#include <cadre/detail/codec/portable_require.hpp>

namespace cadre::detail {

/// `encode(encoder&, const T&)`, `decode(decoder&) -> T`, and `min_encoded_size()`: the least number of bytes that
/// a value takes.
template <class T>
struct codec;

template <class T>
void encode(encoder& out, const T& value) {
    require_portable<T>();
    codec<T>::encode(out, value);
}

template <class T>
[[nodiscard]] std::remove_cv_t<T> decode(decoder& in) {
    require_portable<T>();
    return codec<std::remove_cv_t<T>>::decode(in);
}

template <class T>
consteval std::size_t min_encoded_size_of() {
    return codec<std::remove_cv_t<T>>::min_encoded_size();
}

/// An element that may take no bytes is preceded by a zero byte, so that the bytes left always limit a count.
template <class T>
inline constexpr std::size_t min_element_size = min_encoded_size_of<T>() == 0 ? 1 : min_encoded_size_of<T>();

template <class T>
void encode_element(encoder& out, const T& value) {
    if constexpr (min_encoded_size_of<T>() == 0) out.write_byte(0);
    codec<T>::encode(out, value);
}

template <class T>
[[nodiscard]] std::remove_cv_t<T> decode_element(decoder& in) {
    if constexpr (min_encoded_size_of<T>() == 0) (void)in.read(1);
    return codec<std::remove_cv_t<T>>::decode(in);
}

template <class T>
concept bool_like = std::is_same_v<T, bool> ||
                    (std::is_enum_v<T> && requires { requires std::is_same_v<std::underlying_type_t<T>, bool>; });

template <class T>
consteval bool is_plain();

template <class... Members>
consteval bool all_plain(type_list<Members...>, std::size_t size) {
    return (is_plain<Members>() && ...) && (sizeof(Members) + ... + 0) == size;
}

/// Standard classes whose memory consists of their elements only. A pair is not trivially copyable, but laid out like a
/// class that is.
template <class T>
inline constexpr bool is_plain_standard = false;
template <class T, std::size_t N>
inline constexpr bool is_plain_standard<std::array<T, N>> = N != 0 && is_plain<T>();
template <class A, class B>
inline constexpr bool is_plain_standard<std::pair<A, B>> =
    is_plain<A>() && is_plain<B>() && sizeof(std::pair<A, B>) == sizeof(A) + sizeof(B);
template <template <class> class C, class T>
    requires complex_number<C<T>, T>
inline constexpr bool is_plain_standard<C<T>> = is_plain<T>();
template <class R, class P>
inline constexpr bool is_plain_standard<std::chrono::duration<R, P>> = is_plain<R>();
template <class C, class D>
inline constexpr bool is_plain_standard<std::chrono::time_point<C, D>> = is_plain<D>();

/// Every bit pattern is a value, and there is no padding, pointer or bool: a run of such values is one memcpy.
template <class T>
consteval bool is_plain() {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>)
        return !bool_like<T>;
    else if constexpr (has_element_types<T>)
        return is_plain_standard<T>;
    else if constexpr (!std::is_class_v<T> || !std::is_trivially_copyable_v<T> || std::is_empty_v<T>)
        return false;
    else if constexpr (!std::is_aggregate_v<T> || has_serialize<T> || portable_handle<T>)
        return false;
    else if constexpr (fields_problem_of<T> != fields_problem::none)
        return false;  // a result through a local executor need not be portable
    else
        return all_plain(field_types<T>{}, sizeof(T));
}

template <class T>
concept plain = is_plain<T>();

template <class T>
inline constexpr bool is_pair = false;
template <class A, class B>
inline constexpr bool is_pair<std::pair<A, B>> = true;

/// A plain value from bytes at any alignment.
template <class T>
[[nodiscard]] T from_bytes(const std::byte* bytes) noexcept {
    if constexpr (is_pair<T>) {
        return T(from_bytes<typename T::first_type>(bytes),
                 from_bytes<typename T::second_type>(bytes + sizeof(typename T::first_type)));
    } else {
        struct image {
            alignas(T) std::byte bytes[sizeof(T)];
        };
        image copy;
        std::memcpy(copy.bytes, bytes, sizeof(T));
        return std::bit_cast<T>(copy);
    }
}

template <plain T>
struct codec<T> {
    static void encode(encoder& out, const T& value) { out.write(&value, sizeof(T)); }
    static T decode(decoder& in) { return from_bytes<T>(in.read(sizeof(T))); }
    static consteval std::size_t min_encoded_size() { return sizeof(T); }
};

template <bool_like T>
struct codec<T> {
    static void encode(encoder& out, const T& value) { out.write_byte(static_cast<bool>(value) ? 1 : 0); }
    static T decode(decoder& in) {
        const std::uint8_t byte = in.read_byte();
        if (byte > 1) throw_malformed("a bool is neither 0 nor 1");
        return static_cast<T>(byte == 1);
    }
    static consteval std::size_t min_encoded_size() { return 1; }
};

}  // namespace cadre::detail
