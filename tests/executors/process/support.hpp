/// @file
/// Functions that the tests of the process executor share.
#pragma once

#include <cadre/channel.hpp>
#include <cadre/executors/process.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <optional>
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

/// The text of the exception that `f` throws; "nothing" if it throws none.
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

/// Keeps its worker's loop busy for ever.
inline int spin_for_ever() {
    for (;;)
        asm volatile("");  // the compiler may assume that an empty loop ends
    return 0;
}

/// Computes without checking for a stop request.
inline int compute_for(std::chrono::microseconds d) {
    const auto end = std::chrono::steady_clock::now() + d;
    while (std::chrono::steady_clock::now() < end)
        asm volatile("");
    return 0;
}

/// Computes until a stop is requested.
inline int compute_until_stopped() {
    while (!stop_requested())
        asm volatile("");
    return 77;
}

inline task<int> begin_and_compute_until_stopped(channel<int> begun) {
    co_await begun.send(1);
    co_return compute_until_stopped();
}

inline task<int> begin_and_spin(channel<int> begun) {
    co_await begun.send(1);
    co_return spin_for_ever();
}

template <class R>
task<R> wait_for(job<R> job) {
    co_return co_await job;
}

template <class T>
task<std::optional<T>> receive(channel<T> from) {
    co_return co_await from.receive();
}

inline task<int> begin_and_sleep(channel<int> begun) {
    co_await begun.send(1);
    co_await sleep_for(60s);
    co_return 1;
}

inline task<int> sleep_then(int milliseconds, int result) {
    co_await sleep_for(std::chrono::milliseconds(milliseconds));
    co_return result;
}

}  // namespace cadre::process_tests
