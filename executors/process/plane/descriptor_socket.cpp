#include "process/plane/descriptor_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace cadre::detail::process_plane {

int descriptor_socket::send(std::span<const unique_fd> descriptors) noexcept {
    if (descriptors.size() > max_slot_descriptors) return EMSGSIZE;
    std::array<int, max_slot_descriptors> numbers;  // NOLINT: filled as far as it is used
    std::ranges::transform(descriptors, numbers.begin(), &unique_fd::get);
    const header h{sent_, descriptors.size()};
    try {
        switch (process_os::try_send_message(socket_.get(), std::as_bytes(std::span(&h, 1)),
                                             std::span(numbers).first(descriptors.size()), false)) {
            case process_os::send_result::sent: ++sent_; return 0;
            case process_os::send_result::would_block: return EAGAIN;
            case process_os::send_result::gone: break;
        }
        return EPIPE;
    } catch (const std::system_error& e) {
        return e.code().value();
    }
}

descriptor_socket::arrival descriptor_socket::receive() {
    arrival a;
    header h{};
    auto message = process_os::receive_descriptors(socket_.get(), std::as_writable_bytes(std::span(&h, 1)));
    const bool expected = message.complete && h.number == received_ && h.count != 0 &&
                          h.count <= max_slot_descriptors && message.fds.size() <= h.count;
    if (!expected || (message.fds.size() < h.count && !message.truncated)) return a;
    ++received_;
    a.valid = true;
    a.lost = message.fds.size() < h.count;
    a.descriptors = std::move(message.fds);
    a.descriptors.resize(h.count);
    return a;
}

}  // namespace cadre::detail::process_plane
