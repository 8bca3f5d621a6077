#include <cadre/executors/process.hpp>
#include <cadre/testing/conformance.hpp>

namespace {

template <int Workers, cadre::start_method Start>
struct processes {
    static cadre::executor make() { return cadre::process_executor{{.workers = Workers, .start = Start}}; }
};

using namespace cadre::conformance;
using configurations =
    ::testing::Types<processes<2, cadre::start_method::forkserver>, processes<2, cadre::start_method::spawn>>;
INSTANTIATE_TYPED_TEST_SUITE_P(process, executor_conformance, configurations);

}  // namespace
