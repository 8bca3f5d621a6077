#include <cadre/testing/conformance_state.hpp>

#include "conformance/hosts.hpp"
#include "conformance/kinds.hpp"

namespace {

using namespace conformance_tests;
using pools = ::testing::Types<threads<1>, threads<2>, threads<3>>;
using several_hosts = ::testing::Types<hosts<true>, hosts<false, true>>;
using worker_processes = ::testing::Types<processes<1>, processes<2>>;

using namespace cadre::conformance;
INSTANTIATE_TYPED_TEST_SUITE_P(serial, state_conformance, serial);
INSTANTIATE_TYPED_TEST_SUITE_P(seeded, state_conformance, seeded);
INSTANTIATE_TYPED_TEST_SUITE_P(thread, state_conformance, pools);
INSTANTIATE_TYPED_TEST_SUITE_P(process, state_conformance, worker_processes);
INSTANTIATE_TYPED_TEST_SUITE_P(hosts, state_conformance, several_hosts);

}  // namespace
