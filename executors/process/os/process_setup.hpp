/// @file
/// Set-up of fork server and worker processes, run inside them.
#pragma once

#include <cstdint>
#include <vector>

#include <sys/types.h>

namespace cadre::detail::process_os {

struct worker_request;

/// Opens /dev/null as each closed standard descriptor, so that no other file gets its number.
void open_missing_standard_fds();

/// Makes /dev/null the standard input.
void detach_standard_input();

/// Resets handlers to the default action and unblocks all signals. Ignored signals stay ignored, except SIGCHLD. SIGINT
/// becomes ignored: the parent handles Ctrl-C.
void reset_signals();

/// Limits private memory, not shared mappings. Not enforced under sanitizers, which map more than any limit. With a
/// limit operator new records failures in the crash page.
void limit_memory(std::uint64_t bytes);

void set_affinity(const std::vector<int>& cpus);

/// Flushes the standard streams, before a fork or exit of the process.
void flush_output() noexcept;

/// Ties the calling process's group to the write end of the pipe: when its last copy closes, the kernel kills the
/// group. `read_end` stays open for the life of the process.
void hang_on_lifeline(int read_end);

/// The read end of the lifeline of this worker; -1 in other processes.
[[nodiscard]] int lifeline_descriptor() noexcept;

/// Runs this process as a worker. Closes descriptors above 2 that the request does not hold.
[[noreturn]] void become_worker(worker_request&& request) noexcept;

/// Serves launch requests from connections that arrive over `control`, until that closes or the program ends, whose
/// pidfd arrives in the first message.
[[noreturn]] void run_fork_server(int control) noexcept;

}  // namespace cadre::detail::process_os
