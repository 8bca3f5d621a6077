// One meaning on every kind: serial, threads and worker processes, one and two of each.
#include <cadre/executors/process.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/testing/conformance_kinds.hpp>

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

using kinds = ::testing::Types<serial, threads<1>, threads<2>, processes<1>, processes<2>>;

using namespace cadre::conformance;
INSTANTIATE_TYPED_TEST_SUITE_P(every_kind, kinds_conformance, kinds);

}  // namespace
