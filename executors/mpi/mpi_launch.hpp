/// @file
/// The environment variables of the launchers of MPI jobs.
#pragma once

#include <optional>
#include <string_view>

namespace cadre::detail::mpi {

/// The MPI library that a launcher supports.
enum class library_kind {
    openmpi,
    mpich,
    either,  ///< `srun --mpi=pmix` and `srun --mpi=pmi2` support both, depending on their build
    none,    ///< `srun` without MPI: its processes cannot join each other
};

struct launch {
    library_kind kind = library_kind::none;
    std::string_view launcher{};  ///< for messages
    int rank = 0;
    int size = 1;
    int local_rank = 0;  ///< among the processes of the job on this host; 0 if the launcher does not set it
    int local_size = 1;  ///< processes of the job on this host; 1 if the launcher does not set it
};

/// Reads the environment. @return none if no launcher of MPI jobs, nor `srun` with several tasks, started this process
[[nodiscard]] std::optional<launch> launch_of_this_process() noexcept;

/// -1 if no launcher started this process. Rank 0 runs the program; the others are agents if the run has an MPI
/// executor.
[[nodiscard]] int mpi_rank_of_launcher() noexcept;
/// 1 if no launcher started this process.
[[nodiscard]] int mpi_size_of_launcher() noexcept;
/// The number of processes that run calls on this host: all of them if the whole job runs on one host (a trial), else
/// 1. The default number of workers is divided by it.
[[nodiscard]] int mpi_share_of_host() noexcept;

}  // namespace cadre::detail::mpi
