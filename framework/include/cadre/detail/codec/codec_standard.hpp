/// @file
/// Codecs of further standard classes: paths, times, error codes.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <string>
#include <system_error>

#include <cadre/detail/base/filesystem_path.hpp>
#include <cadre/detail/codec/codec_containers.hpp>
#include <cadre/detail/codec/codec_core.hpp>

namespace cadre::detail {

template <class R, class P>
struct codec<std::chrono::duration<R, P>> {
    using duration = std::chrono::duration<R, P>;
    static void encode(encoder& out, const duration& value) { codec<R>::encode(out, value.count()); }
    static duration decode(decoder& in) { return duration(detail::decode<R>(in)); }
    static consteval std::size_t min_encoded_size() { return min_encoded_size_of<R>(); }
};

template <class C, class D>
struct codec<std::chrono::time_point<C, D>> {
    using point = std::chrono::time_point<C, D>;
    static void encode(encoder& out, const point& value) { codec<D>::encode(out, value.time_since_epoch()); }
    static point decode(decoder& in) { return point(detail::decode<D>(in)); }
    static consteval std::size_t min_encoded_size() { return min_encoded_size_of<D>(); }
};

template <class T>
concept calendar_value = std::is_same_v<T, std::chrono::day> || std::is_same_v<T, std::chrono::month> ||
                         std::is_same_v<T, std::chrono::year> || std::is_same_v<T, std::chrono::weekday> ||
                         std::is_same_v<T, std::chrono::month_day> || std::is_same_v<T, std::chrono::year_month> ||
                         std::is_same_v<T, std::chrono::year_month_day>;

/// Any bytes are a calendar value, though possibly one that is not `ok()`.
template <calendar_value T>
struct codec<T> {
    static void encode(encoder& out, const T& value) { out.write(&value, sizeof(T)); }
    static T decode(decoder& in) { return from_bytes<T>(in.read(sizeof(T))); }
    static consteval std::size_t min_encoded_size() { return sizeof(T); }
};

// A template, because the class may be incomplete here.
template <std::same_as<std::filesystem::path> Path>
struct codec<Path> {
    static void encode(encoder& out, const Path& path) { codec<std::string>::encode(out, path.native()); }
    static Path decode(decoder& in) { return detail::decode<std::string>(in); }
    static consteval std::size_t min_encoded_size() { return 1; }
};

/// Every process knows the standard categories only. @throws not_portable for a code of another category
template <>
struct codec<std::error_code> {
    static void encode(encoder& out, const std::error_code& code);
    static std::error_code decode(decoder& in);
    static consteval std::size_t min_encoded_size() { return 1 + sizeof(int); }
};
template <>
struct codec<std::error_condition> {
    static void encode(encoder& out, const std::error_condition& condition);
    static std::error_condition decode(decoder& in);
    static consteval std::size_t min_encoded_size() { return 1 + sizeof(int); }
};

}  // namespace cadre::detail
