// The built-in kinds: which options each takes from a table, and how it is made.

#include "config/kinds.hpp"
#include "config/names.hpp"
#include "config/tables.hpp"

#include <cadre/executors/process.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>

namespace cadre::detail {
namespace {

executor make_serial(const executor_config& c) { return make_serial_executor(to_serial_options(c)); }
executor make_thread(const executor_config& c) { return make_thread_executor(to_thread_options(c)); }
executor make_process(const executor_config& c) { return make_process_executor(to_process_options(c)); }

constexpr const char* no_mpi = "this build of cadre has no MPI executor";

}  // namespace

void add_builtin_kinds(void (*add)(std::string_view name, kind_entry entry)) {
    add("serial", {.make = make_serial, .check = [](const executor_config& c) { to_serial_options(c); }});
    add("thread", {.make = make_thread, .check = [](const executor_config& c) { to_thread_options(c); }});
    add("process", {.make = make_process, .check = [](const executor_config& c) { to_process_options(c); }});
    add("mpi", {.make = [](const executor_config& c) -> executor { fail_at(c.origin, no_mpi); },
                .check = [](const executor_config&) {},
                .missing = no_mpi});
}

}  // namespace cadre::detail
