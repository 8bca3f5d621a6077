// The built-in kinds: their options, their factories, and their actions at the start and the end of a program. Only
// here the configuration and the executors depend on each other.

#include "common/deferred_destruction.hpp"
#include "common/worker_memory.hpp"
#include "config/kind_options.hpp"
#include "config/kinds.hpp"
#include "host_kinds.hpp"
#include "process/os/bootstrap.hpp"
#include "process/os/fork_server.hpp"

#include <chrono>
#include <system_error>

#include <cadre/executors/process.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>

namespace cadre::detail {
namespace {

executor make_serial(const executor_config& c) { return make_serial_executor(to_serial_options(c)); }
executor make_thread(const executor_config& c) { return make_thread_executor(to_thread_options(c)); }
executor make_process(const executor_config& c) { return make_process_executor(to_process_options(c)); }

// Workers are forked from the state that the program has here: no thread, little memory.
void start_process_kind(int argc, char** argv) {
    note_initial_memory();
    process_os::bootstrap(argc, argv);  // does not return in a process that was started to be a worker
    try {
        process_os::start_fork_server();
    } catch (const std::system_error&) {
        // Programs that use no worker processes run without it. A process executor tries again and reports the error.
    }
    run_cluster_agent_if_requested(argc, argv);
}

// Longer than the grace period of a worker that does not exit by itself.
constexpr std::chrono::seconds max_deferred_destruction{10};

void finish_process_kind() { static_cast<void>(wait_for_deferred_destruction(max_deferred_destruction)); }

}  // namespace

void add_builtin_kinds(void (*add)(std::string_view name, kind_entry entry)) {
    add("serial", {.make = make_serial, .check = [](const executor_config& c) { to_serial_options(c); }});
    add("thread", {.make = make_thread,
                   .check = [](const executor_config& c) { to_thread_options(c); },
                   .check_here = check_thread_options_here});
    add("process", {.make = make_process,
                    .check = [](const executor_config& c) { to_process_options(c); },
                    .check_here = check_process_options_here,
                    .start_up = start_process_kind,
                    .tear_down = finish_process_kind});
    add("mpi", mpi_kind());
    add("cluster", cluster_kind());
}

}  // namespace cadre::detail
