#include <cadre/testing/conformance_select.hpp>

#include "conformance/hosts.hpp"
#include "conformance/kinds.hpp"

namespace {

using namespace conformance_tests;
using pools = ::testing::Types<threads<1>, threads<2>, threads<3>>;
using worker_processes = ::testing::Types<processes<1>, processes<2>>;
using several_hosts = ::testing::Types<hosts<true>, hosts<false, true>>;

using namespace cadre::conformance;
INSTANTIATE_TYPED_TEST_SUITE_P(serial, select_conformance, serial);
INSTANTIATE_TYPED_TEST_SUITE_P(seeded, select_conformance, seeded);
INSTANTIATE_TYPED_TEST_SUITE_P(thread, select_conformance, pools);
INSTANTIATE_TYPED_TEST_SUITE_P(process, select_conformance, worker_processes);
INSTANTIATE_TYPED_TEST_SUITE_P(hosts, select_conformance, several_hosts);

}  // namespace
