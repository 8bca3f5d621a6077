/// @file
/// A pool that runs portable calls on a thread of this process, for tests that need thousands of pools.
#pragma once

#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/executor.hpp>

#include <cstddef>
#include <cstdint>

namespace simulated {

/// Runs plain functions, one at a time, each after a pause that the seed determines. Reports that it has `workers`
/// workers. A stop request ends a call that waits. Some chunks of plain values return items that have not begun.
[[nodiscard]] cadre::executor make_in_process_pool(std::size_t workers, std::uint64_t seed);

/// How often the pools of this process have returned items.
[[nodiscard]] std::uint64_t returns_of_in_process_pools() noexcept;

}  // namespace simulated
