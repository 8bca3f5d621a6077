// The built-in executors pass the suite, in all configurations that differ in how they run work. One file for all, because
// most of the compile time is that of the suite, whatever the number of executors.
#include <cadre/executors/process.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/testing/conformance.hpp>

namespace {

struct serial {
    static cadre::executor make() { return cadre::serial_executor{}; }
};

template <int Workers>
struct threads {
    static cadre::executor make() { return cadre::thread_executor{{.workers = Workers}}; }
};

template <int Workers, cadre::start_method Start>
struct processes {
    static cadre::executor make() { return cadre::process_executor{{.workers = Workers, .start = Start}}; }
};

using pools = ::testing::Types<threads<1>, threads<2>, threads<4>>;
using worker_processes =
    ::testing::Types<processes<1, cadre::start_method::forkserver>, processes<2, cadre::start_method::forkserver>,
                     processes<2, cadre::start_method::spawn>>;

using namespace cadre::conformance;
INSTANTIATE_TYPED_TEST_SUITE_P(serial, executor_conformance, serial);
INSTANTIATE_TYPED_TEST_SUITE_P(thread, executor_conformance, pools);
INSTANTIATE_TYPED_TEST_SUITE_P(process, executor_conformance, worker_processes);

}  // namespace
