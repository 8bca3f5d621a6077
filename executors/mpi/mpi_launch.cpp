#include "mpi/mpi_launch.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <initializer_list>

namespace cadre::detail::mpi {
namespace {

bool is_set(const char* variable) noexcept { return std::getenv(variable) != nullptr; }

// The first of the variables that holds a number from `lowest` on.
std::optional<int> number(std::initializer_list<const char*> variables, int lowest) noexcept {
    for (const char* variable : variables) {
        const char* const text = std::getenv(variable);
        if (text == nullptr) continue;
        const std::string_view digits = text;
        int value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (error == std::errc() && end == digits.data() + digits.size() && value >= lowest) return value;
    }
    return std::nullopt;
}

std::optional<launch> make(library_kind kind, std::string_view launcher, std::optional<int> rank,
                           std::optional<int> size, std::optional<int> local_rank,
                           std::optional<int> local_size) noexcept {
    if (!rank || !size || *rank >= *size) return std::nullopt;
    return launch{.kind = kind,
                  .launcher = launcher,
                  .rank = *rank,
                  .size = *size,
                  .local_rank = local_rank.value_or(0),
                  .local_size = std::clamp(local_size.value_or(1), 1, *size)};
}

// A batch script of Slurm has a rank and a size as well, but no step.
std::optional<launch> slurm_step() noexcept {
    if (!is_set("SLURM_STEP_ID")) return std::nullopt;
    const auto rank = number({"SLURM_PROCID"}, 0);
    const auto size = number({"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"}, 1);
    const auto local_rank = number({"SLURM_LOCALID"}, 0);
    const auto local_size = number({"SLURM_STEP_NUM_NODES", "SLURM_NNODES"}, 1) == 1 ? size : std::nullopt;
    if (is_set("PMIX_RANK")) return make(library_kind::either, "srun --mpi=pmix", rank, size, local_rank, local_size);
    if (is_set("PMI_FD") || is_set("PMI_RANK"))
        return make(library_kind::either, "srun --mpi=pmi2", rank, size, local_rank, local_size);
    return size > 1 ? make(library_kind::none, "srun", rank, size, local_rank, local_size) : std::nullopt;
}

}  // namespace

std::optional<launch> launch_of_this_process() noexcept {
    if (const auto found = make(library_kind::openmpi, "mpirun of Open MPI", number({"OMPI_COMM_WORLD_RANK"}, 0),
                                number({"OMPI_COMM_WORLD_SIZE"}, 1), number({"OMPI_COMM_WORLD_LOCAL_RANK"}, 0),
                                number({"OMPI_COMM_WORLD_LOCAL_SIZE"}, 1))) {
        return found;
    }
    const auto hydra = make(library_kind::mpich, "mpirun of MPICH", number({"PMI_RANK"}, 0), number({"PMI_SIZE"}, 1),
                            number({"MPI_LOCALRANKID"}, 0), number({"MPI_LOCALNRANKS"}, 1));
    // It may itself start its processes by a step of srun, with one task for each host.
    if (hydra && is_set("MPI_LOCALNRANKS")) return hydra;
    const auto step = slurm_step();
    return step ? step : hydra;
}

int mpi_rank_of_launcher() noexcept {
    const auto found = launch_of_this_process();
    return found ? found->rank : -1;
}

int mpi_size_of_launcher() noexcept {
    const auto found = launch_of_this_process();
    return found ? found->size : 1;
}

int mpi_share_of_host() noexcept {
    const auto found = launch_of_this_process();
    return found && found->local_size == found->size ? found->size : 1;
}

}  // namespace cadre::detail::mpi
