/// @file
/// Simulated hosts with worker processes.
#pragma once

#include "executors/node/cluster_fixture.hpp"
#include "process/process_pool.hpp"

#include <chrono>
#include <cstddef>
#include <utility>

namespace simulated {

/// Each host has one worker.
[[nodiscard]] inline cluster_options process_hosts(bool redelivers, bool local, std::size_t agents = 2) {
    return {.engine = {.redelivers = redelivers, .longest_delay = std::chrono::microseconds(20)},
            .agents = agents,
            .local = local,
            .pool = {.workers = 1},
            .make_pool = [](const cadre::process_options& options, cadre::detail::pool_role role) {
                return cadre::detail::make_process_pool(options, std::move(role));
            }};
}

}  // namespace simulated
