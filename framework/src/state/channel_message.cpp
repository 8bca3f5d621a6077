#include <cadre/detail/state/channel_message.hpp>
#include <cadre/detail/state/channel_operations.hpp>
#include <cadre/errors.hpp>

#include <cstring>
#include <string>
#include <utility>

namespace cadre::detail {

namespace {

// Larger buffers are freed: otherwise every thread that has sent a large message would keep one.
constexpr std::size_t kept_capacity = std::size_t{1} << 20;

// More handles in one message are refused, so that a process does not reserve memory for a count that another one has
// forged.
constexpr std::uint64_t max_names = std::uint64_t{1} << 20;

byte_buffer& kept() noexcept {
    static thread_local byte_buffer buffer;
    return buffer;
}

}  // namespace

op_status message_wait::try_send(pending_operation& p) noexcept {
    auto& self = static_cast<message_wait&>(p);
    return static_cast<shared_channel*>(self.object)->try_send(self.message.span(), self.carries);
}
op_status message_wait::try_receive(pending_operation& p) noexcept {
    auto& self = static_cast<message_wait&>(p);
    return static_cast<shared_channel*>(self.object)->try_receive(self.message, &self.held);
}

bool append_names(byte_buffer& message, const handle_names& names) {
    if (names.empty()) return false;
    const std::uint64_t count = names.size();
    if (count > max_names)
        throw not_portable("a message with " + std::to_string(count) +
                           " handles of channels, cells or locks, more than the " + std::to_string(max_names) +
                           " that a channel between processes carries");
    message.append(std::as_bytes(std::span(names)));
    message.append(std::as_bytes(std::span(&count, 1)));
    return true;
}

std::size_t read_names(std::span<const std::byte> message, handle_names& into) {
    std::uint64_t count = 0;
    if (message.size() < sizeof count) return 0;
    const std::size_t room = message.size() - sizeof count;
    std::memcpy(&count, message.data() + room, sizeof count);
    if (count == 0 || count > max_names || count > room / sizeof(handle_name)) return 0;
    const std::size_t bytes = count * sizeof(handle_name);
    into.resize(count);
    std::memcpy(into.data(), message.data() + room - bytes, bytes);
    return bytes + sizeof count;
}

// While the thread's buffer is borrowed, the variable is empty, so an operation within an operation gets a new buffer.
scratch_buffer::scratch_buffer() noexcept : bytes_(std::move(kept())) { bytes_.clear(); }

scratch_buffer::~scratch_buffer() {
    if (bytes_.capacity() > kept().capacity() && bytes_.capacity() <= kept_capacity) kept() = std::move(bytes_);
}

}  // namespace cadre::detail
