/// @file
/// What a process started by this library does to itself before it works.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace cadre::detail::process_os {

struct worker_request;

/// Opens /dev/null as each standard descriptor that is closed, so that no other descriptor takes its number.
void open_missing_standard_fds();

/// Makes /dev/null the standard input.
void detach_standard_input();

/// Handlers that the program installed go back to the default, nothing is blocked; what was ignored stays ignored,
/// except SIGCHLD. SIGINT is ignored: Ctrl-C is the parent's to handle.
void reset_signals();

/// Limits private memory (not shared mappings); nothing under sanitizers, which map more than any limit.
/// With a limit in force operator new records its failures in the crash page.
void limit_memory(std::uint64_t bytes);

void set_affinity(const std::vector<int>& cpus);

/// The name in ps and top.
void set_process_name(const std::string& name) noexcept;

/// Everything written so far reaches its file before the process forks or leaves.
void flush_output() noexcept;

/// Ties the calling process's group to the write end of the pipe: when the last copy of that closes, the kernel kills
/// the group, whatever the group is doing. `read_end` stays open for the life of the process.
void hang_on_lifeline(int read_end);

/// Becomes a worker and never returns. Descriptors above 2 that the request does not hold are closed.
[[noreturn]] void become_worker(worker_request&& request) noexcept;

/// Serves launch requests from connections that arrive over `control`, until that closes or `parent` ends.
[[noreturn]] void run_fork_server(int control, pid_t parent) noexcept;

}  // namespace cadre::detail::process_os
