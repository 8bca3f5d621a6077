/// @file
/// What the tests of the process executor share.
#pragma once

#include <cadre/executors/process.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <string>
#include <thread>

#include <unistd.h>

namespace cadre::process_tests {

using namespace std::chrono_literals;

/// Runs a coroutine function on this thread until it ends.
template <class F, class... Args>
auto run(F f, Args... args) {
    return sync_wait(f(std::move(args)...));
}

/// Which exception `f` throws, as text; "nothing" if none.
template <class E, class F>
std::string what_of(F f) {
    try {
        f();
    } catch (const E& e) {
        return e.what();
    }
    return "nothing";
}

inline int plus_one(int x) { return x + 1; }
inline pid_t worker_pid() { return ::getpid(); }

inline int die_by_signal(int signal) {
    ::raise(signal);
    return 0;
}

inline int exit_with(int status) {
    ::_exit(status);
    return 0;
}

/// Keeps its worker's loop busy until it is asked to stop, or for ever.
inline int spin_for_ever() {
    for (;;)
        asm volatile("");  // a loop that does nothing else may be taken for one that ends
    return 0;
}

inline task<int> sleep_then(int milliseconds, int result) {
    co_await sleep_for(std::chrono::milliseconds(milliseconds));
    co_return result;
}

}  // namespace cadre::process_tests
