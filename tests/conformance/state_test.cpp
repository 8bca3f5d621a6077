#include <cadre/executors/process.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/testing/conformance_state.hpp>

namespace {

struct serial {
    static cadre::executor make() { return cadre::serial_executor{}; }
};
struct threads {
    static cadre::executor make() { return cadre::thread_executor{{.workers = 3}}; }
};
struct processes {
    static cadre::executor make() { return cadre::process_executor{{.workers = 2}}; }
};

using namespace cadre::conformance;
INSTANTIATE_TYPED_TEST_SUITE_P(serial, state_conformance, serial);
INSTANTIATE_TYPED_TEST_SUITE_P(thread, state_conformance, threads);
INSTANTIATE_TYPED_TEST_SUITE_P(process, state_conformance, processes);

}  // namespace
