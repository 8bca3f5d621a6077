/// @file
/// System calls of the process executor: errors are exceptions, all descriptors are close-on-exec.
#pragma once

#include "process/os/unique_fd.hpp"

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include <sys/types.h>

namespace cadre::detail::process_os {

/// @throws std::system_error for `errno`, always; the message names the call
[[noreturn]] void throw_errno(const char* call);

/// Sparse anonymous memory of `size` bytes. It is sealed against changes of its size, so that a process that maps it
/// cannot cause a fault in another one. `name` appears in /proc/PID/maps only.
[[nodiscard]] unique_fd make_memfd(const char* name, std::size_t size);

struct pipe_ends {
    unique_fd read;
    unique_fd write;
};
[[nodiscard]] pipe_ends make_pipe();

/// A copy of `fd` with a number above 2.
[[nodiscard]] unique_fd duplicate(int fd);

/// A descriptor for the process `pid`. Free of races only while the caller is the parent of an unreaped `pid`.
[[nodiscard]] unique_fd open_pidfd(pid_t pid);

/// Sends a signal to one process.
/// @return false if the process has been reaped or permission is missing
bool signal_process(int pidfd, int signal) noexcept;

/// Kills the process and the process group that it leads. Never signals a reused process id: kernels before 6.9 cannot
/// signal a group by pidfd, so that this kills the leader only, and the fork server or the launcher kills the rest of
/// the group before it reaps the leader.
/// @return false if permission is missing
bool kill_group(int pidfd) noexcept;

/// Whether a signal or a debugger has stopped the process; false if that is not known.
[[nodiscard]] bool is_stopped(pid_t pid) noexcept;

/// Whether the process of this pidfd has ended.
[[nodiscard]] bool has_exited(int pidfd) noexcept;

/// Waits until `fd` is readable or at its end.
/// @param limit negative: none
/// @return false after `limit`
[[nodiscard]] bool wait_readable(int fd, std::chrono::milliseconds limit) noexcept;

/// Number of threads of this process; 0 without /proc.
[[nodiscard]] std::size_t thread_count() noexcept;

/// Closes every descriptor above 2 that is not in `keep`.
void close_other_fds(std::span<const int> keep) noexcept;

/// Most descriptors that one message can carry (the kernel's SCM_MAX_FD).
inline constexpr std::size_t max_message_fds = 253;

/// A connected pair of SOCK_SEQPACKET sockets: each message arrives whole, with its descriptors.
struct socket_pair {
    unique_fd first;
    unique_fd second;
};
[[nodiscard]] socket_pair make_socket_pair();

/// Sends one message with copies of `fds`.
/// @return false if the peer has closed its end
/// @throws std::system_error for every other failure
bool send_message(int socket, std::span<const std::byte> bytes, std::span<const int> fds = {});

enum class send_result { sent, gone, would_block };
/// Like `send_message`; if `wait` is false it does not block for space in the socket or for memory.
[[nodiscard]] send_result try_send_message(int socket, std::span<const std::byte> bytes, std::span<const int> fds,
                                           bool wait);

struct received_message {
    enum class kind { message, end, would_block };
    kind what = kind::end;
    std::vector<std::byte> bytes;
    std::vector<unique_fd> fds;
};
/// Receives one message of at most `max_message_bytes`. ECONNRESET is reported as `kind::end`; a lack of memory as
/// `kind::would_block` if `wait` is false.
/// @throws std::system_error EMSGSIZE if the message is longer; EMFILE if this process has no free descriptors for
/// those of
///         the message. The message is lost then
[[nodiscard]] received_message receive_message(int socket, bool wait = true);
inline constexpr std::size_t max_message_bytes = std::size_t{16} * 1024;

struct received_descriptors {
    bool complete = false;  ///< a message was there, and had exactly as many bytes as were asked for
    bool truncated = false;  ///< it had more descriptors than this process could take; the others are closed
    std::vector<unique_fd> fds;
};
/// Receives one message of `bytes.size()` bytes with its descriptors, without blocking. Throws std::bad_alloc, and has
/// received nothing then.
[[nodiscard]] received_descriptors receive_descriptors(int socket, std::span<std::byte> bytes);

}  // namespace cadre::detail::process_os
