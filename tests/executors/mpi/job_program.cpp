// A user's program for mpirun: job_program SCENARIO --executor=mpi:1. It checks nothing about MPI: what it prints, and
// how the job ends, is what job_test.cpp looks at.

#include "executors/state_on_hosts.hpp"

#include <cadre/cadre.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;

pid_t slow_pid(unsigned) {
    std::this_thread::sleep_for(20ms);
    return ::getpid();
}
std::uint64_t square(std::uint64_t x) { return x * x; }
int crash(int) { std::abort(); }
std::string repeated(std::string text, unsigned times) {
    std::string all;
    for (unsigned i = 0; i < times; ++i)
        all += text;
    return all;
}
cadre::task<int> forever(int x) {
    co_await cadre::sleep_for(1h);
    co_return x;
}

cadre::task<int> workers(cadre::executor ex) {
    std::map<pid_t, int> calls;
    for (const pid_t pid : co_await cadre::map(ex, slow_pid, std::views::iota(0u, 40u)))
        ++calls[pid];
    std::printf("workers %zu of %zu\n", calls.size(), ex.concurrency());
    co_return 0;
}

cadre::task<int> calls(cadre::executor ex) {
    std::uint64_t sum = 0;
    for (const std::uint64_t x :
         co_await cadre::map(ex, square, std::views::iota(std::uint64_t{0}, std::uint64_t{100'000}))) {
        sum += x;
    }
    std::printf("sum %llu\n", static_cast<unsigned long long>(sum));
    const std::string large = co_await cadre::on(ex, repeated, std::string(std::size_t{40} << 20, 'x'), 3u);
    std::printf("large %zu\n", large.size());
    const auto crashed = co_await cadre::as_outcome(cadre::on(ex, crash, 1));
    std::printf("crashed %s\n", crashed.what().c_str());
    std::printf("afterwards %llu\n", static_cast<unsigned long long>(co_await cadre::on(ex, square, 9u)));
    co_return 0;
}

cadre::task<int> waits(cadre::executor ex) {
    auto waiting = cadre::on(ex, forever, 1);
    std::printf("waiting\n");
    std::fflush(stdout);
    co_return co_await std::move(waiting);
}

cadre::task<int> throws(cadre::executor ex) {
    static_cast<void>(co_await cadre::on(ex, square, 1u));
    throw std::runtime_error("thrown by the main task");
}

cadre::task<int> exits(cadre::executor ex) {
    static_cast<void>(co_await cadre::on(ex, square, 1u));
    std::exit(3);
}

// All ranks are on this host, so that the program can kill a worker.
cadre::task<int> state(cadre::executor ex) {
    std::printf("wrong %d\n", co_await state_on_hosts::use_on_all_hosts(ex, 2));
    const auto all = state_on_hosts::make_objects(ex, 2);
    const cadre::channel<int> taken{ex, 1};
    auto job = cadre::spawn(ex, state_on_hosts::take_all, all, taken);
    const std::optional<int> worker = co_await taken.receive();
    ::kill(worker.value(), SIGKILL);
    const auto found = co_await state_on_hosts::find_all_again(all);
    const auto notified = co_await state_on_hosts::notify_the_other(all);
    const auto ended = co_await cadre::as_outcome(std::move(job));
    std::printf("lost %s\n", ended.what().c_str());
    std::printf("found '%s', notified '%s'\n", found.c_str(), notified.c_str());
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);
    const std::string scenario = argc > 1 ? argv[1] : "";
    const std::map<std::string, cadre::task<int> (*)(cadre::executor)> scenarios{
        {"workers", workers}, {"calls", calls}, {"waits", waits},
        {"throws", throws},   {"exits", exits}, {"state", state}};
    if (scenario == "help") {
        std::printf("usage\n");
        return 0;  // without its executor
    }
    try {
        return rt.run(scenarios.at(scenario)(rt.executor()));
    } catch (const std::runtime_error& e) {
        std::fprintf(stderr, "caught %s\n", e.what());
        return 7;
    }
}
