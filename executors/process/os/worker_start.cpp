// The first steps of a worker process.

#include "base/mapped_memory.hpp"
#include "process/os/bootstrap.hpp"
#include "process/os/crash_page.hpp"
#include "process/os/launch_protocol.hpp"
#include "process/os/process_setup.hpp"
#include "process/os/process_title.hpp"
#include "process/os/syscalls.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace cadre::detail::process_os {
namespace {

// Not atomic: written before a second thread exists.
worker_main_fn worker_main = nullptr;
bool is_worker = false;
int lifeline = -1;
crash_page* record = nullptr;

void redirect(const unique_fd& from, int to) {
    if (from && ::dup2(from.get(), to) < 0) throw_errno("dup2");
}

void close_strays(const worker_request& request) {
    std::vector<int> keep{request.lifeline.get(), request.working_directory.get()};
    for (const unique_fd& fd : request.boot.fds)
        keep.push_back(fd.get());
    close_other_fds(keep);
}

crash_page* map_crash_page(const worker_request& request) {
    if (request.crash_fd < 0) return nullptr;
    const int fd = request.boot.fds.at(static_cast<std::size_t>(request.crash_fd)).get();
    // Never unmapped: the crash handler writes to the page until the process has ended.
    static const mapped_region& page = *new mapped_region(
        map_shared({.fd = fd, .size = crash_page_size, .offset = request.crash_offset}, "mmap(crash page)"));
    return static_cast<crash_page*>(page.get_address());
}

void prepare(worker_request& request) {
    // First: it takes the reason if a later step fails.
    record = request.boot.crash = map_crash_page(request);
    // Fails in a spawned worker, which leads its session already.
    ::setpgid(0, 0);
    reset_signals();
    detach_standard_input();
    redirect(request.standard_output, STDOUT_FILENO);
    redirect(request.standard_error, STDERR_FILENO);
    close_strays(request);
    // close_strays has closed their descriptors.
    static_cast<void>(request.standard_output.release());
    static_cast<void>(request.standard_error.release());
    hang_on_lifeline(request.lifeline.get());
    lifeline = request.lifeline.release();
    set_process_title(request.boot.name.empty() ? "worker" : request.boot.name);
    set_affinity(request.affinity);
    apply(request.surroundings, request.supplementary_groups, request.working_directory);
    request.working_directory.reset();
    if (request.boot.crash != nullptr) install_crash_handler(*request.boot.crash);
    limit_memory(request.memory_limit);
}

}  // namespace

void set_worker_main(worker_main_fn fn) noexcept { worker_main = fn; }

bool has_worker_main() noexcept { return worker_main != nullptr; }

bool in_worker() noexcept { return is_worker; }

int lifeline_descriptor() noexcept { return lifeline; }

void end_without_start(unsigned slot, const std::exception& why) noexcept {
    if (record == nullptr) {
        std::fprintf(stderr, "cadre: worker %u could not start: %s\n", slot, why.what());
        ::_exit(worker_start_failed);
    }
    if (const auto* const refused = dynamic_cast<const std::system_error*>(&why); refused != nullptr)
        record->start_errno = refused->code().value();
    else if (dynamic_cast<const std::bad_alloc*>(&why) != nullptr)
        record->start_errno = ENOMEM;
    // The page is zero before: the last byte stays zero.
    std::memcpy(record->start_error.data(), why.what(), std::min(std::strlen(why.what()), max_start_error - 1));
    ::_exit(worker_start_failed);
}

void initializer_begins() noexcept {
    if (record != nullptr) record->initializing = 1;
}

void become_worker(worker_request&& request) noexcept {
    is_worker = true;
    try {
        prepare(request);
        if (request.main == nullptr) request.main = worker_main;
        if (request.main == nullptr)
            throw std::logic_error("no worker function was registered before the runtime started");
    } catch (const std::exception& e) {
        end_without_start(request.boot.slot, e);
    }
    // An exception that escapes from the worker function terminates the process, as one that escapes from main.
    const int status = request.main(std::move(request.boot));
    flush_output();
    ::_exit(status);
}

}  // namespace cadre::detail::process_os
