/// @file
/// The parameters of a worker process, on the parent's and on the worker's side.
#pragma once

#include "process/os/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace cadre::detail::process_os {

struct crash_page;

enum class start_method : std::uint8_t {
    forkserver,  ///< forked from a small server process that was started at the beginning of main
    spawn,       ///< a fresh process image of the same program
};

/// Most descriptors that can be passed to one worker.
inline constexpr std::size_t max_worker_fds = 240;

struct worker_boot;

/// A worker's main function; returns the exit status. The process then flushes its output and calls _exit, so that
/// static destructors and atexit functions of the program do not run twice.
using worker_main_fn = int (*)(worker_boot&&);

/// The parent's request. The caller keeps all descriptors; the worker gets copies.
struct worker_spec {
    unsigned slot = 0;
    std::uint64_t generation = 0;
    start_method start = start_method::forkserver;
    std::vector<int> fds{};  ///< passed in this order: worker_boot::fds
    int crash_fd = -1;  ///< index in `fds` of the memfd that holds the worker's crash page; -1: none
    std::uint64_t crash_offset = 0;  ///< of the crash page in it, a multiple of the page size
    std::uint64_t memory_limit = 0;  ///< bytes of private memory, 0: no limit; not enforced under sanitizers
    std::vector<int> affinity{};  ///< CPUs to run on; empty: as inherited
    int stdout_fd = -1;  ///< becomes the worker's standard output; -1: inherited
    int stderr_fd = -1;  ///< becomes the worker's standard error; -1: inherited
    std::string name{};  ///< for ps and top; empty: worker
    worker_main_fn main = nullptr;  ///< a function of the program itself; null: the registered one
};

/// The argument of the worker's main function. The rest of the spec (limits, output, signals, crash handler, process
/// group, lifeline) is in force when that function starts.
struct worker_boot {
    unsigned slot = 0;
    std::uint64_t generation = 0;
    start_method start = start_method::forkserver;
    std::string name{};
    std::vector<unique_fd> fds{};
    crash_page* crash = nullptr;  ///< mapped for the life of the process, or null
};

}  // namespace cadre::detail::process_os
