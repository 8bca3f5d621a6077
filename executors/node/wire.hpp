/// @file
/// The trailer of a message: fixed fields and the kind, after the body.
#pragma once

#include "node/message.hpp"

#include <cadre/detail/codec/codec_stream.hpp>

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>

namespace cadre::detail::node {

/// The size of the fields and the kind.
template <class Fields>
inline constexpr std::size_t tail_size = sizeof(Fields) + 1;

inline void append_kind(byte_buffer& to, message_kind kind) { to.append(std::as_bytes(std::span(&kind, 1))); }

template <class Fields>
void append_fields(byte_buffer& to, const Fields& fields, message_kind kind) {
    static_assert(std::is_trivially_copyable_v<Fields> && std::has_unique_object_representations_v<Fields>,
                  "every byte is written");
    to.append(std::as_bytes(std::span(&fields, 1)));
    append_kind(to, kind);
}

/// Removes the fields and the kind from the end of `from`. @throws codec_error if `from` is shorter
template <class Fields>
[[nodiscard]] Fields take_fields(std::span<const std::byte>& from) {
    if (from.size() < tail_size<Fields>) throw_truncated();
    from = from.first(from.size() - tail_size<Fields>);
    Fields fields;
    std::memcpy(&fields, from.data() + from.size(), sizeof fields);
    return fields;
}

/// Removes `size` bytes from the end of `from`. @throws codec_error if `from` is shorter
[[nodiscard]] inline std::span<const std::byte> take_last(std::span<const std::byte>& from, std::uint64_t size) {
    if (size > from.size()) throw_truncated();
    const auto taken = from.last(static_cast<std::size_t>(size));
    from = from.first(from.size() - taken.size());
    return taken;
}

[[nodiscard]] inline std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace cadre::detail::node
