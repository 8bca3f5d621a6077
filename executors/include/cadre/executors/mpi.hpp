/// @file
/// The MPI executor: calls run in worker processes on all hosts of an MPI job.
///
///     cadre::executor ex = cadre::mpi_executor{{.host = {.workers = 8}}};
///     auto sizes = co_await cadre::map(ex, count_words, files);
///
/// Start the program as `mpirun -n 4 ./app --executor=mpi`, or by `srun`. Rank 0 runs the program. Each other rank
/// becomes an agent in the constructor of `runtime`, which does not return. An agent runs calls in worker processes of
/// its own, so a task that crashes ends neither its host nor the job.
#pragma once

#include <chrono>
#include <cstddef>

#include <cadre/executor.hpp>
#include <cadre/executors/process_options.hpp>

namespace cadre {

/// The options of an MPI executor. Trivially destructible on purpose: g++ 12 destroys other aggregates twice in an
/// expression that awaits.
struct mpi_options {
    /// The options of the process executor on each host; `workers` is the number for one host.
    process_options host{};
    /// Whether workers on the program's own host run calls, too. No effect if the whole job runs on one host: then the
    /// other ranks run the calls.
    bool local = true;
    /// The number of agents that the constructor waits for. 0: none, or one if no worker runs on the program's host.
    std::size_t nodes = 0;
    /// The limit of that wait; after it the constructor throws `config_error`.
    std::chrono::nanoseconds nodes_wait = std::chrono::seconds(30);
};

/// Joins the ranks of the job and waits for `nodes` agents. To be called once in a program, on rank 0; blocks the
/// calling thread. The process must have been started by `mpirun`, `mpiexec` or `srun`; Open MPI and MPICH are both
/// supported, if this build has found them.
///
/// The executor behaves as a process executor, of which each host has one: the same limits, errors and `retries`.
/// Errors name the host (`error_origin`), and so does `job::worker_host`. A stop request of a waiting call ends it at
/// once; that of a running one is passed on to its host. The awaiting task resumes at its home. Channels, cells and
/// locks live in the program, and each operation of a worker is a round trip there; `shared_array` and `shared_segment`
/// are refused by `not_portable`. If a rank fails, the launcher ends the job, unless MPI reports the failure (Open MPI
/// 5, `mpirun --with-ft ulfm`): then its calls fail with `worker_lost`, or are repeated while `retries` are left.
/// @return a handle; the last one that is destroyed, or `shutdown`, ends the agents, which takes ten seconds at most
/// @throws config_error if no supported launcher started this process, too few agents join in time, or an option cannot
/// be honoured
[[nodiscard]] executor make_mpi_executor(const mpi_options& options = {});

/// The same as a type. Convertible to `executor`; copies name the same executor.
class mpi_executor : public executor_type {
public:
    /// @throws like `make_mpi_executor`
    explicit(false) mpi_executor(const mpi_options& options = {});
};

}  // namespace cadre
