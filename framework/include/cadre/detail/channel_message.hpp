/// @file
/// Values as messages of a channel between processes.
#pragma once

#include <cstddef>
#include <span>

#include <cadre/detail/byte_buffer.hpp>
#include <cadre/detail/codec.hpp>

namespace cadre::detail {

/// A buffer of this thread, borrowed for the length of one operation: messages of any size are encoded and received
/// without an allocation each. Whoever keeps the bytes moves them out of `bytes()`.
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

template <class T>
void encode_message(byte_buffer& out, const T& value) {
    encoder e(out);
    detail::encode<T>(e, value);
}

template <class T>
[[nodiscard]] T decode_message(const byte_buffer& message) {
    decoder d(message.span());
    return detail::decode<T>(d);
}

/// Gives up a message that nobody will receive: handles inside it own a part of what they refer to.
template <class T>
void drop_message([[maybe_unused]] const byte_buffer& message) noexcept {
    if constexpr (!plain<T>) {
        try {
            (void)decode_message<T>(message);
        } catch (...) {  // then it owns nothing that could be found
        }
    }
}

}  // namespace cadre::detail
