// What does not use shared state has one meaning on executors of several hosts, too.
#include <cadre/testing/conformance.hpp>

#include "conformance/hosts.hpp"

namespace {

using namespace conformance_tests;
using several_hosts = ::testing::Types<hosts<true>, hosts<false>, hosts<true, true>>;

using namespace cadre::conformance;
INSTANTIATE_TYPED_TEST_SUITE_P(hosts, executor_conformance, several_hosts);

}  // namespace
