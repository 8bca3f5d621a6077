/// @file
/// Values as messages of a channel between processes.
///
/// A message that contains handles ends with a list of their names, which the channel reads: it keeps the objects while
/// the message is queued, passes them to the receiver, and releases them if the message is discarded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/codec/portability_check.hpp>

namespace cadre::detail {

/// The name of a handle's object.
struct handle_name {
    std::uint32_t slot_and_kind;
    std::uint32_t index;
    std::uint32_t incarnation;
};
/// The `user` of the context in which a message is encoded; handles add themselves.
using handle_names = std::vector<handle_name>;

/// @return false if `names` is empty: nothing is appended
[[nodiscard]] bool append_names(byte_buffer& message, const handle_names& names);
/// Reads the names at the end of `message`, which may be any bytes. @return the bytes that they take, 0 if there are
/// none
[[nodiscard]] std::size_t read_names(std::span<const std::byte> message, handle_names& into);

/// A buffer of this thread, borrowed for one operation: messages are encoded and received without an allocation each.
/// To keep the bytes, move them out of `bytes()`.
class scratch_buffer {
public:
    scratch_buffer() noexcept;
    scratch_buffer(const scratch_buffer&) = delete;
    scratch_buffer& operator=(const scratch_buffer&) = delete;
    ~scratch_buffer();
    [[nodiscard]] byte_buffer& bytes() noexcept { return bytes_; }

private:
    byte_buffer bytes_;
};

/// @return whether the message carries handles; `value` keeps their objects alive meanwhile
template <class T>
[[nodiscard]] bool encode_message(byte_buffer& out, const T& value) {
    if constexpr (portability_of<T>::reason != portability_reason::none) {
        __builtin_unreachable();  // such a channel is local
    } else if constexpr (plain<T>) {
        encoder e(out);
        detail::encode<T>(e, value);
        return false;
    } else {
        handle_names names;
        codec_context context;
        context.user = &names;
        encoder e(out, &context);
        detail::encode<T>(e, value);
        return append_names(out, names);
    }
}

template <class T>
[[nodiscard]] T decode_message(const byte_buffer& message) {
    if constexpr (portability_of<T>::reason != portability_reason::none) {
        __builtin_unreachable();
    } else {
        decoder d(message.data(), message.size(), nullptr);
        return detail::decode<T>(d);
    }
}

}  // namespace cadre::detail
