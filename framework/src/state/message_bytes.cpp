#include <cadre/message_bytes.hpp>

#include <cstring>

#include <cadre/detail/codec/codec_stream.hpp>

namespace cadre {

std::span<std::byte> message_bytes::span() noexcept { return memory_.span(); }
std::span<const std::byte> message_bytes::span() const noexcept { return memory_.span(); }

}  // namespace cadre

namespace cadre::detail {

void codec<message_bytes>::encode(encoder& out, const message_bytes& bytes) {
    out.write_size(bytes.size());
    out.write_run(bytes.data(), bytes.size());
}

message_bytes codec<message_bytes>::decode(decoder& in) {
    const std::size_t size = in.read_count(1);
    message_bytes bytes;
    message_access::memory(bytes) = message_memory(nullptr, size);
    if (size != 0) std::memcpy(bytes.data(), in.read_run(size), size);
    return bytes;
}

// The default for channels that cannot adopt blocks of messages.

op_status shared_channel::try_send_memory(message_memory& message) noexcept {
    const op_status a = try_send(message.span());
    if (a == op_status::done) message.reset();
    return a;
}

op_status shared_channel::try_receive_memory(message_memory& into) noexcept {
    into.reset();
    return try_receive(into.private_bytes());
}

}  // namespace cadre::detail
