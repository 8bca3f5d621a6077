#include <cadre/executors/thread.hpp>
#include <cadre/testing/conformance.hpp>

namespace {

template <int Workers>
struct threads {
    static cadre::executor make() { return cadre::thread_executor{{.workers = Workers}}; }
};

using namespace cadre::conformance;
using numbers = ::testing::Types<threads<1>, threads<2>, threads<4>>;
INSTANTIATE_TYPED_TEST_SUITE_P(thread, executor_conformance, numbers);

}  // namespace
