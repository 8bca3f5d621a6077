#include <cadre/executors/process.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/testing/conformance_state.hpp>

namespace {

struct serial {
    static cadre::executor make() { return cadre::serial_executor{}; }
};
template <int Workers>
struct threads {
    static cadre::executor make() { return cadre::thread_executor{{.workers = Workers}}; }
};
template <int Workers>
struct processes {
    static cadre::executor make() { return cadre::process_executor{{.workers = Workers}}; }
};

using pools = ::testing::Types<threads<1>, threads<2>, threads<3>>;
using worker_processes = ::testing::Types<processes<1>, processes<2>>;

using namespace cadre::conformance;
INSTANTIATE_TYPED_TEST_SUITE_P(serial, state_conformance, serial);
INSTANTIATE_TYPED_TEST_SUITE_P(thread, state_conformance, pools);
INSTANTIATE_TYPED_TEST_SUITE_P(process, state_conformance, worker_processes);

}  // namespace
