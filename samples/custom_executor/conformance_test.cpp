// The tests that every built-in executor passes, run on ours: what the library promises to its users holds here, too.
//
// In a project of your own: a test program with this file, linked with cadre::testing_main and GTest::gtest.

#ifdef CADRE_TEST_WITH_TBB  // defined by the test program; the sample itself is built from this folder, too

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
