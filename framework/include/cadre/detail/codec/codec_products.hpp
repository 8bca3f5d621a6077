/// @file
/// Codecs of pairs, tuples, arrays and aggregates: their elements in order, nothing else.
#pragma once

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cadre/detail/codec/codec_core.hpp>

namespace cadre::detail {

template <class A, class B>
struct codec<std::pair<A, B>> {
    static void encode(encoder& out, const std::pair<A, B>& value) {
        codec<std::remove_cv_t<A>>::encode(out, value.first);
        codec<std::remove_cv_t<B>>::encode(out, value.second);
    }
    static std::pair<A, B> decode(decoder& in) {
        auto first = detail::decode<A>(in);
        return {std::move(first), detail::decode<B>(in)};
    }
    static consteval std::size_t min_encoded_size() { return min_encoded_size_of<A>() + min_encoded_size_of<B>(); }
};

template <class... Ts>
struct codec<std::tuple<Ts...>> {
    static void encode([[maybe_unused]] encoder& out, const std::tuple<Ts...>& value) {
        std::apply([&](const auto&... parts) { (codec<std::remove_cv_t<Ts>>::encode(out, parts), ...); }, value);
    }
    static std::tuple<Ts...> decode([[maybe_unused]] decoder& in) {
        return std::tuple<Ts...>{detail::decode<Ts>(in)...};  // braces: from left to right
    }
    static consteval std::size_t min_encoded_size() { return (min_encoded_size_of<Ts>() + ... + std::size_t{0}); }
};

template <class T, std::size_t N>
    requires(!plain<std::array<T, N>>)
struct codec<std::array<T, N>> {
    static void encode(encoder& out, const std::array<T, N>& values) {
        for (const T& value : values)
            codec<std::remove_cv_t<T>>::encode(out, value);
    }
    static std::array<T, N> decode(decoder& in) {
        if constexpr (std::is_default_constructible_v<T> && std::is_move_assignable_v<T>) {
            std::array<T, N> values{};
            for (T& value : values)
                value = detail::decode<T>(in);
            return values;
        } else {
            return [&]<std::size_t... I>(std::index_sequence<I...>) {
                return std::array<T, N>{(static_cast<void>(I), detail::decode<T>(in))...};
            }(std::make_index_sequence<N>{});
        }
    }
    static consteval std::size_t min_encoded_size() { return N * min_encoded_size_of<T>(); }
};

/// An aggregate that is encoded member by member, because no more specific codec fits.
template <class T>
concept aggregate_reflectable =
    std::is_class_v<T> && std::is_aggregate_v<T> && !has_element_types<T> && !has_serialize<T> && !portable_handle<T> &&
    !unique_pointer<T>::value && !std::is_empty_v<T>;

#if defined(__GNUC__) && !defined(__clang__)
#    pragma GCC diagnostic push
#    pragma GCC diagnostic ignored                                                                                     \
        "-Wconversion"  // a bit-field member is initialised from a value that was read from it
#endif
template <aggregate_reflectable T>
    requires(!plain<T>)
struct codec<T> {
    static void encode(encoder& out, const T& value) {
        visit_fields(value, [&]<class... Members>(const auto&... members) {
            (codec<std::remove_cv_t<Members>>::encode(out, members), ...);
        });
    }
    static T decode(decoder& in) {
        return [&]<class... Members>(type_list<Members...>) {
            return T{detail::decode<Members>(in)...};  // braces: from left to right
        }(field_types<T>{});
    }
    static consteval std::size_t min_encoded_size() {
        return []<class... Members>(type_list<Members...>) {
            return (min_encoded_size_of<Members>() + ... + std::size_t{0});
        }(field_types<T>{});
    }
};
#if defined(__GNUC__) && !defined(__clang__)
#    pragma GCC diagnostic pop
#endif

}  // namespace cadre::detail
