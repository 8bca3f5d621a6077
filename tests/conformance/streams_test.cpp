// Streams of results mean the same on every kind: serial, threads and worker processes, one and two of each.
#include <cadre/testing/conformance_streams.hpp>

#include "conformance/kinds.hpp"

namespace {

using namespace conformance_tests;
using kinds = ::testing::Types<serial, threads<1>, threads<2>, processes<1>, processes<2>>;

using namespace cadre::conformance;
INSTANTIATE_TYPED_TEST_SUITE_P(every_kind, stream_conformance, kinds);
INSTANTIATE_TYPED_TEST_SUITE_P(seeded, stream_conformance, seeded);

}  // namespace
