/// @file
/// The MPI executor: calls run in worker processes on all hosts of an MPI job.
///
///     cadre::executor ex = cadre::mpi_executor{{.host = {.workers = 8}}};
///     auto sizes = co_await cadre::map(ex, count_words, files);
///
/// The program is started as `mpirun -n 4 ./app --executor=mpi`, or by `srun`.
/// Rank 0 runs the program. Each other rank becomes an agent inside of the constructor of `runtime`, which does not return there, and
/// runs calls in worker processes of its own, so a task that crashes costs neither its host nor the job.
#pragma once

#include <chrono>
#include <cstddef>

#include <cadre/executor.hpp>
#include <cadre/executors/process_options.hpp>

namespace cadre {

/// Trivially destructible on purpose: g++ 12 destroys other aggregates twice in an expression that awaits.
struct mpi_options {
    /// Of the workers on each host; `workers` is their number there.
    process_options host{};
    /// Whether workers of the program's own host take part. If the whole job runs on one host, each rank serves anyway.
    bool local = true;
    /// The start of the executor waits until so many agents serve. 0: one, if `local` is false.
    std::size_t nodes = 0;
    /// How long it waits for them, before it throws `config_error`.
    std::chrono::nanoseconds nodes_wait = std::chrono::seconds(30);
};

/// Joins the ranks of the job. Once in a program, in the rank 0. `mpirun`, `mpiexec` or `srun` has started this process; Open MPI and
/// MPICH are both supported, if this build has found them.
///
/// Everything that holds for process executors holds for this one; errors name the host (`error_origin`). Channels, cells and locks
/// cannot be made for it: their constructors throw `not_portable`. If a rank is lost, the launcher ends the job, unless MPI was told
/// not to (Open MPI 5, `mpirun --with-ft ulfm`): then its calls fail with `worker_lost`, or are repeated by their `retries`.
/// @throws config_error if this process was not started by a launcher that fits, or an option cannot be honoured
[[nodiscard]] executor make_mpi_executor(const mpi_options& options = {});

/// The same as a type. Convertible to `executor`; copies name the same executor.
class mpi_executor : public executor_type {
public:
    /// @throws like `make_mpi_executor`
    explicit(false) mpi_executor(const mpi_options& options = {});
};

}  // namespace cadre
