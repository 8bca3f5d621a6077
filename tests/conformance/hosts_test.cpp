// Calls have one meaning on executors of several hosts, too. Their channels, locks and constants: select_test.cpp,
// constant_test.cpp, tests/executors/node.
#include <cadre/testing/conformance.hpp>

#include "conformance/hosts.hpp"

namespace {

using namespace conformance_tests;
using several_hosts = ::testing::Types<hosts<true>, hosts<false>, hosts<true, true>>;

using namespace cadre::conformance;
INSTANTIATE_TYPED_TEST_SUITE_P(hosts, executor_conformance, several_hosts);

}  // namespace
