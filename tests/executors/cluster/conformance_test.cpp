// Programs without shared state mean the same on executors of kind `cluster`.

#include "agent_process.hpp"

#include <cadre/testing/conformance.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace cadre::test {
namespace {

/// Two agents with one worker each, for each executor; with `Local` the program's host has one, too. The agents end
/// with the next test.
template <bool Local>
struct far {
    static executor make() {
        static std::vector<own_process> agents;
        static const testing::TestInfo* this_test = nullptr;
        static int number = 0;
        const auto* const now = testing::UnitTest::GetInstance()->current_test_info();
        if (now != std::exchange(this_test, now)) agents.clear();
        const std::string group = "conformance." + std::to_string(Local) + "." + std::to_string(++number);
        agents.push_back(start_agent(group, {"--agents=2"}));
        return make_cluster(group, 2, {}, Local);
    }
};

using far_executors = testing::Types<far<false>, far<true>>;

using namespace cadre::conformance;
INSTANTIATE_TYPED_TEST_SUITE_P(cluster, executor_conformance, far_executors);

}  // namespace
}  // namespace cadre::test
