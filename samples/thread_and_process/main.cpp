// Shows: the same function started as a task on a thread and as a task in another process, then joined.
//
// std::thread and fork() need different calls to start, to wait and to return a result. Here only the executor differs.

#include <chrono>
#include <iostream>
#include <string>

#include <unistd.h>

#include <cadre/cadre.hpp>

using namespace std::chrono_literals;

namespace {

/// Waits for `d`, prints `a` five times, and returns the id of its process.
/// A coroutine, because sleep_for suspends it without blocking the thread or the worker.
cadre::task<int> job(char a, std::chrono::milliseconds d) {
    co_await cadre::sleep_for(d);
    // One write of a whole line: another process may print to the same terminal concurrently.
    std::cout << std::string(5, a) + '\n' << std::flush;
    co_return ::getpid();
}

int current_process() { return ::getpid(); }

std::string describe(int pid) { return pid == ::getpid() ? "in this process" : "in a process of its own"; }

cadre::task<int> app(cadre::executor chosen) {
    auto one_thread = cadre::make_executor("thread:1");
    auto one_process = cadre::make_executor("process:1");

    // spawn starts the work at once and returns a job; awaiting the job returns its result.
    auto on_thread = cadre::spawn(one_thread, job, 'a', 10ms);
    auto in_process = cadre::spawn(one_process, job, 'a', 10ms);
    const int thread_pid = co_await on_thread;
    const int process_pid = co_await in_process;

    // The executor that --executor selects, called in the same way.
    const int chosen_pid = co_await cadre::on(chosen, current_process);
    const bool remote = chosen.kind() == cadre::executor_kind::process || chosen.kind() == cadre::executor_kind::mpi ||
                        chosen.kind() == cadre::executor_kind::cluster;

    std::cout << "the thread task ran " << describe(thread_pid) << '\n'
              << "the process task ran " << describe(process_pid) << '\n';
    if (thread_pid != ::getpid() || process_pid == ::getpid() || (chosen_pid != ::getpid()) != remote) {
        std::cerr << "thread_and_process: a task ran in the wrong process\n";
        co_return 1;
    }
    std::cout << "a task on the selected executor ran where its kind says\n";
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);  // first line of main: worker processes start from here
    return rt.run(app(rt.executor()));
}
