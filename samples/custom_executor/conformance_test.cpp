// The conformance suite that every built-in executor passes, instantiated for tbb_backend.
//
// Elsewhere: a test program with this file, linked with cadre::testing_main and GTest::gtest.

#ifdef CADRE_TEST_WITH_TBB  // defined by the test program; the sample is built from the same folder

#    include <memory>

#    include <cadre/testing/conformance.hpp>
#    include <cadre/testing/conformance_state.hpp>

#    include "tbb_backend.hpp"

namespace {

template <int Workers>
struct tbb_arena {
    static cadre::executor make() { return cadre::executor{std::make_shared<tbb_backend>(Workers)}; }
};

using namespace cadre::conformance;
using configurations = ::testing::Types<tbb_arena<1>, tbb_arena<3>>;
INSTANTIATE_TYPED_TEST_SUITE_P(tbb, executor_conformance, configurations);
INSTANTIATE_TYPED_TEST_SUITE_P(tbb, state_conformance, configurations);

}  // namespace

#endif
