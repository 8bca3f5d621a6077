#include "watchdog.hpp"

#include "failing_calls.hpp"
#include "processes.hpp"

#include <iostream>
#include <string>

#include <signal.h>
#include <unistd.h>

namespace cadre::soak {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void end_program(const std::string& what) {
    std::cout << "HANGS: " << what << std::endl;
    let_calls_fail(0);
    print_waits();
    for (const process& p : other_processes())
        ::kill(p.pid, SIGKILL);
    std::cout.flush();
    ::_exit(3);
}

}  // namespace

void watchdog::watch(const std::stop_token& stop) {
    const no_failing_calls here;
    while (!stop.stop_requested()) {
        std::this_thread::sleep_for(100ms);
        if (const std::string stuck = book_.stuck(30s); !stuck.empty()) end_program(stuck);
        const std::chrono::steady_clock::time_point entered(entered_.load());
        if (std::chrono::steady_clock::now() - entered > 60s) end_program(phase_.load());
    }
}

}  // namespace cadre::soak
