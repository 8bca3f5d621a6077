// The built-in executors as arguments of the suites.
#pragma once

#include <cstdint>

#include <cadre/executors/process.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>

namespace conformance_tests {

struct serial {
    static cadre::executor make() { return cadre::serial_executor{}; }
};

/// With a virtual clock, in an order that is drawn from the seed: see seeds_test.cpp.
struct seeded {
    static constexpr bool only_at_home = true;  // where all limits of the test are virtual, too
    static std::uint64_t seed;
    static cadre::executor make() {
        return cadre::serial_executor{{.clock = cadre::clock_kind::virtual_time, .seed = seed}};
    }
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
