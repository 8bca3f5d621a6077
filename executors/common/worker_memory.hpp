/// @file
/// The least private memory with which a worker process can start.
#pragma once

#include <cstddef>
#include <string>

namespace cadre::detail {

/// Takes the private memory of the calling process as that of each worker at its start. Call it where workers are
/// forked from.
void note_initial_memory() noexcept;

/// What a worker needs under a `memory_limit`: the memory noted at the start of the program, the stack of one thread
/// and what the worker allocates itself before its first task. 0 where the limit is not enforced.
[[nodiscard]] std::size_t least_worker_memory() noexcept;

/// Why a worker cannot start with `memory_limit`; empty if it can, or if there is no limit.
[[nodiscard]] std::string memory_limit_fault(std::size_t memory_limit);
/// Why `soft_limit` makes no sense under `memory_limit`; empty if it does, or if there is no limit.
[[nodiscard]] std::string memory_soft_limit_fault(std::size_t soft_limit, std::size_t memory_limit);
/// @throws config_error `memory_limit: …` or `memory_soft_limit: …` with that reason
void check_memory_limits(std::size_t soft_limit, std::size_t memory_limit);

}  // namespace cadre::detail
