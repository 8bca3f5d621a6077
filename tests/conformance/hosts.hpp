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

/// The hosts of a test end with it: their agents are threads of this process that wait, and would run the serial loops
/// of the tests that follow.
class hosts_of_this_test : public ::testing::EmptyTestEventListener {
public:
    static hosts_of_this_test& instance() {
        static auto* const listener = [] {
            auto* const added = new hosts_of_this_test;
            ::testing::UnitTest::GetInstance()->listeners().Append(added);  // which owns it
            return added;
        }();
        return *listener;
    }
    cadre::executor add(const simulated::cluster_options& options) {
        clusters_.push_back(std::make_unique<simulated::cluster>(options));
        return clusters_.back()->program();
    }

private:
    void OnTestEnd(const ::testing::TestInfo&) override { clusters_.clear(); }

    std::vector<std::unique_ptr<simulated::cluster>> clusters_;
};

/// Two agents with one worker each; with `Local` the program's host has one, too. `Redelivers`: as a broker, or as MPI.
template <bool Redelivers, bool Local = false>
struct hosts {
    static cadre::executor make() {
        return hosts_of_this_test::instance().add(
            {.engine = {.redelivers = Redelivers, .longest_delay = std::chrono::microseconds(20)},
             .local = Local,
             .pool = {.workers = 1},
             .make_pool = [](const cadre::process_options& options, cadre::detail::pool_role role) {
                 return cadre::detail::make_process_pool(options, std::move(role));
             }});
    }
};

}  // namespace conformance_tests
