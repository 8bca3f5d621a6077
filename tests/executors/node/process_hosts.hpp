/// @file
/// Simulated hosts with worker processes.
#pragma once

#include "executors/node/cluster_fixture.hpp"
#include "process/process_pool.hpp"

#include <cadre/executor.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <tuple>
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

/// Tests over hosts with worker processes: of an engine that redelivers messages or not, and of a program that is a
/// host too or not. One host may run several calls of a test, so none blocks the loop of its worker for long.
class process_hosts_test : public testing::TestWithParam<std::tuple<bool, bool>> {
protected:
    cluster hosts{process_hosts(std::get<0>(GetParam()), std::get<1>(GetParam()))};
    const cadre::executor ex = hosts.program();
};
[[nodiscard]] inline auto redelivering_and_local() {
    return testing::Values(std::tuple(true, false), std::tuple(false, false), std::tuple(true, true));
}

/// A wait of a test that ends, at the latest.
constexpr std::chrono::seconds soon{20};

}  // namespace simulated
