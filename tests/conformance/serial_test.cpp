#include <cadre/executors/serial.hpp>
#include <cadre/testing/conformance.hpp>

namespace {

struct serial_traits {
    static cadre::executor make() { return cadre::serial_executor{}; }
};

using namespace cadre::conformance;
INSTANTIATE_TYPED_TEST_SUITE_P(serial, executor_conformance, serial_traits);

}  // namespace
