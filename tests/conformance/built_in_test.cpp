// The built-in executors pass the suite, in all configurations that differ in how they run work. One file for all,
// because most of the compile time is that of the suite, whatever the number of executors.
#include <cadre/testing/conformance.hpp>

#include "conformance/kinds.hpp"

namespace {

using namespace conformance_tests;
using pools = ::testing::Types<threads<1>, threads<2>, threads<4>>;
using worker_processes = ::testing::Types<processes<1>, processes<2>, processes<2, cadre::start_method::spawn>>;

using namespace cadre::conformance;
INSTANTIATE_TYPED_TEST_SUITE_P(serial, executor_conformance, serial);
INSTANTIATE_TYPED_TEST_SUITE_P(seeded, executor_conformance, seeded);
INSTANTIATE_TYPED_TEST_SUITE_P(thread, executor_conformance, pools);
INSTANTIATE_TYPED_TEST_SUITE_P(process, executor_conformance, worker_processes);

}  // namespace
