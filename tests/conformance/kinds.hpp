// The built-in executors as arguments of the suites.
#pragma once

#include <cadre/executors/process.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>

namespace conformance_tests {

struct serial {
    static cadre::executor make() { return cadre::serial_executor{}; }
};

template <int Workers>
struct threads {
    static cadre::executor make() { return cadre::thread_executor{{.workers = Workers}}; }
};

template <int Workers, cadre::start_method Start = cadre::start_method::forkserver>
struct processes {
    static cadre::executor make() { return cadre::process_executor{{.workers = Workers, .start = Start}}; }
};

}  // namespace conformance_tests
