// Messages with descriptors over SOCK_SEQPACKET sockets.

#include "process/os/syscalls.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <sys/socket.h>
#include <sys/uio.h>

namespace cadre::detail::process_os {
namespace {

struct alignas(cmsghdr) control_buffer {
    std::array<char, CMSG_SPACE(sizeof(int) * max_message_fds)> bytes{};
};

[[noreturn]] void message_too_long(const char* call) {
    throw std::system_error(EMSGSIZE, std::system_category(), call);
}

void take_descriptors(msghdr& message, std::vector<unique_fd>& fds) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
            fds.emplace_back(fd);
        }
    }
}

ssize_t receive(int socket, msghdr& message, bool wait) {
    ssize_t n = 0;
    do {
        n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    } while (n < 0 && errno == EINTR);
    return n;
}

}  // namespace

socket_pair make_socket_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw_errno("socketpair");
    return {unique_fd{ends[0]}, unique_fd{ends[1]}};
}

send_result try_send_message(int socket, std::span<const std::byte> bytes, std::span<const int> fds, bool wait) {
    if (bytes.size() > max_message_bytes || fds.size() > max_message_fds) message_too_long("sendmsg");
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    control_buffer control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control.bytes.data();
        message.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(c), fds.data(), fds.size_bytes());
    }
    for (;;) {
        if (::sendmsg(socket, &message, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT)) >= 0) return send_result::sent;
        switch (errno) {
            case EINTR: continue;
            case EAGAIN: return send_result::would_block;
            case ENOMEM:
            case ENOBUFS:
                if (!wait) return send_result::would_block;
                throw_errno("sendmsg");
            case EPIPE:
            case ECONNRESET:
            case ENOTCONN: return send_result::gone;
            default: throw_errno("sendmsg");
        }
    }
}

bool send_message(int socket, std::span<const std::byte> bytes, std::span<const int> fds) {
    return try_send_message(socket, bytes, fds, true) == send_result::sent;
}

namespace {

// A message header for `recvmsg`, with its parts.
struct receive_buffers {
    explicit receive_buffers(std::span<std::byte> bytes) : part{bytes.data(), bytes.size()} {
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.bytes.data();
        message.msg_controllen = control.bytes.size();
    }
    receive_buffers(const receive_buffers&) = delete;
    receive_buffers& operator=(const receive_buffers&) = delete;

    iovec part;
    control_buffer control;
    msghdr message{};
};

}  // namespace

received_message receive_message(int socket, bool wait) {
    received_message result;
    result.bytes.resize(max_message_bytes);
    receive_buffers buffers(result.bytes);
    msghdr& message = buffers.message;
    result.fds.reserve(max_message_fds);  // what was received must not be lost
    const ssize_t n = receive(socket, message, wait);
    if (n < 0) {
        const bool later = errno == EAGAIN || (!wait && (errno == ENOMEM || errno == ENOBUFS));
        if (!later && errno != ECONNRESET) throw_errno("recvmsg");
        result.what = later ? received_message::kind::would_block : received_message::kind::end;
        result.bytes.clear();
        return result;
    }
    take_descriptors(message, result.fds);
    if ((message.msg_flags & MSG_TRUNC) != 0) message_too_long("recvmsg");
    // The buffer has room for all descriptors that a message can carry: this process had none free.
    if ((message.msg_flags & MSG_CTRUNC) != 0) throw std::system_error(EMFILE, std::system_category(), "recvmsg");
    result.bytes.resize(static_cast<std::size_t>(n));
    // No message is empty: zero bytes mean that the peer has closed its end.
    result.what = n > 0 ? received_message::kind::message : received_message::kind::end;
    return result;
}

received_descriptors receive_descriptors(int socket, std::span<std::byte> bytes) {
    received_descriptors result;
    result.fds.reserve(max_message_fds);
    receive_buffers buffers(bytes);
    msghdr& message = buffers.message;
    const ssize_t n = receive(socket, message, false);
    if (n < 0) return result;
    take_descriptors(message, result.fds);
    result.complete = static_cast<std::size_t>(n) == bytes.size() && (message.msg_flags & MSG_TRUNC) == 0;
    result.truncated = (message.msg_flags & MSG_CTRUNC) != 0;
    return result;
}

}  // namespace cadre::detail::process_os
