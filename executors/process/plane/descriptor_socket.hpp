/// @file
/// The way of file descriptors beside the rings between the parent and one worker.
#pragma once

#include "process/os/syscalls.hpp"
#include "process/os/unique_fd.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace cadre::detail::process_plane {

/// Descriptors in one message, at most. A chunk has fewer than twice those of a call: its last item may bring a whole
/// call's.
inline constexpr std::size_t max_slot_descriptors = 2 * max_descriptors_per_call;
static_assert(max_slot_descriptors <= process_os::max_message_fds);

/// One end of a SOCK_SEQPACKET socket. For each slot that is flagged `descriptors` the sender first sends one message
/// here, with the descriptors and their number, and then publishes the slot: so both are in the same order, and the
/// reader of the slot finds its message. A message that no slot announces stays in the kernel until the socket is
/// closed. `send` and `receive` may be called by different threads, each by one at a time.
class descriptor_socket {
public:
    descriptor_socket() noexcept = default;
    explicit descriptor_socket(unique_fd socket) noexcept : socket_(std::move(socket)) {}

    /// Sends copies of them. @return 0; EAGAIN if the reader must receive something first; another errno for a lasting
    /// failure
    [[nodiscard]] int send(std::span<const unique_fd> descriptors) noexcept;

    struct arrival {
        bool valid = false;  ///< false: the sender violates the protocol
        bool lost = false;  ///< this process had no free descriptor: the missing ones are empty
        std::vector<unique_fd> descriptors{};
    };
    /// Receives the message of a flagged slot. Throws std::bad_alloc.
    [[nodiscard]] arrival receive();

private:
    struct header {
        std::uint64_t number;
        std::uint64_t count;
    };
    unique_fd socket_;
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
};

}  // namespace cadre::detail::process_plane
