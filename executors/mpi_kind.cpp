#include "host_kinds.hpp"

#include "base/host_name.hpp"
#include "common/concurrency.hpp"
#include "config/kind_options.hpp"
#include "mpi/mpi_launch.hpp"
#include "mpi/mpi_link.hpp"
#include "mpi/plugin_loader.hpp"
#include "node/agent.hpp"
#include "node/node_backend.hpp"
#include "process/process_pool.hpp"

#include <cadre/errors.hpp>
#include <cadre/executors/mpi.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>

#include <unistd.h>

namespace cadre {

namespace detail {

namespace {

// If all ranks of a job are on one host, they share its cores.
executor make_pool_of_rank(const process_options& options, pool_role role) {
    process_options own = options;
    if (own.workers.is_default()) own.workers = std::max(1, default_concurrency() / mpi::mpi_share_of_host());
    return make_process_pool(own, std::move(role));
}

int status_of_agent = 0;

// MPICH 4.2 and newer tell the launcher that a rank has finalised MPI in a function that the library registers with
// `atexit`; without it the launcher kills the job. The functions that the program has registered must not run in an
// agent. Exit functions run in reverse order: this one is registered before MPI is loaded, so it ends the process after
// those of MPI, before those of the program.
void end_agents_before_functions_of_the_program() {
    static_cast<void>(std::atexit([] {
        std::fflush(nullptr);
        ::_exit(status_of_agent);
    }));
}

[[noreturn]] void leave_job(int status) {
    status_of_agent = status;
    std::exit(status);
}

[[noreturn]] void serve_mpi() {
    // Launchers forward these signals to all ranks; the program decides when the job ends.
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGTERM, SIG_IGN);
    end_agents_before_functions_of_the_program();
    try {
        node::agent agent(mpi::make_mpi_link({}), make_pool_of_rank, host_name());
        agent.serve(true);
    } catch (const std::exception& problem) {
        // An empty reason: rank 0 reports it. The status is then 0, because a launcher ends the job when a rank exits
        // with another one, perhaps before rank 0 has printed.
        if (*problem.what() == 0) leave_job(0);
        std::fprintf(stderr, "cadre: agent: %s\n", problem.what());
        leave_job(2);
    }
    leave_job(0);
}

// Whether the configuration has an executor of this kind. If not, the other processes of the launcher are not agents.
std::atomic<bool> is_configured{false};

void serve_if_agent() {
    if (mpi::mpi_rank_of_launcher() > 0) serve_mpi();
}

}  // namespace

kind_entry mpi_kind() {
#if !defined(CADRE_MPI_OPENMPI) && !defined(CADRE_MPI_MPICH)
    return {.missing = "this build has no MPI: install libopenmpi-dev or libmpich-dev and build again"};
#endif
    return {.make = [](const executor_config& c) { return make_mpi_executor(to_mpi_options(c)); },
            .check = [](const executor_config& c) { to_mpi_options(c); },
            .checked_by_start = true,
            .serve =
                [](const executor_config&) {
                    is_configured = true;
                    serve_if_agent();
                },
            .tear_down =
                [] {
                    if (is_configured) mpi::leave_unused_mpi();
                }};
}

}  // namespace detail

executor make_mpi_executor(const mpi_options& options) {
    detail::serve_if_agent();
    detail::node::node_settings settings = detail::node::settings_of_hosts(executor_kind::mpi, options.host);
    settings.local = options.local && detail::mpi::mpi_share_of_host() == 1;
    settings.nodes = options.nodes != 0 ? options.nodes : settings.local ? 0 : 1;
    settings.nodes_wait = options.nodes_wait;
    settings.make_pool = detail::make_pool_of_rank;
    auto link = detail::mpi::make_mpi_link({.program_serves = options.local});
    return executor(detail::node::node_backend::create(std::move(settings), std::move(link)));
}

mpi_executor::mpi_executor(const mpi_options& options) : executor_type(make_mpi_executor(options)) {}

}  // namespace cadre
