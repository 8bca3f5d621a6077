#include <cadre/testing/conformance_errors.hpp>

#include "conformance/kinds.hpp"

namespace {

using namespace conformance_tests;
using kinds = ::testing::Types<serial, threads<1>, threads<2>, processes<1>, processes<2>>;

using namespace cadre::conformance;
INSTANTIATE_TYPED_TEST_SUITE_P(every_kind, errors_conformance, kinds);

}  // namespace
