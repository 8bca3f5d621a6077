/// @file
/// Executors of several hosts over a simulated engine, as arguments of the suites. Each host has worker processes of
/// its own.
#pragma once

#include "executors/node/cluster_fixture.hpp"
#include "process/process_pool.hpp"

#include <cadre/executor.hpp>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace conformance_tests {

/// Two agents with one worker each; with `Local` the program's host has one, too. `Redelivers`: as a broker, or as MPI.
template <bool Redelivers, bool Local = false>
struct hosts {
    static cadre::executor make() {
        static std::vector<std::unique_ptr<simulated::cluster>> of_this_test;
        static const ::testing::TestInfo* this_test = nullptr;
        if (const auto* now = ::testing::UnitTest::GetInstance()->current_test_info();
            now != std::exchange(this_test, now))
            of_this_test.clear();
        of_this_test.push_back(std::make_unique<simulated::cluster>(simulated::cluster_options{
            .engine = {.redelivers = Redelivers, .longest_delay = std::chrono::microseconds(20)},
            .local = Local,
            .pool = {.workers = 1},
            .make_pool = [](const cadre::process_options& options, cadre::detail::pool_role role) {
                return cadre::detail::make_process_pool(options, std::move(role));
            }}));
        return of_this_test.back()->program();
    }
};

}  // namespace conformance_tests
