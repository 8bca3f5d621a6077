// A process executor with one worker.

#include "wake/parameters.hpp"

#include <cadre/cadre.hpp>

#include <cstdlib>

namespace {

cadre::task<double> one_call(cadre::executor ex, std::uint64_t x) {
    const auto begin = bench::clock::now();
    const std::uint64_t answer = co_await cadre::on(ex, wake::square, x);
    const double took = bench::seconds_since(begin) * 1e6;
    if (answer != x * x) std::abort();
    co_return took;
}

int process_id() { return ::getpid(); }

cadre::task<> calls_after_computing(cadre::executor ex, int microseconds, std::string name) {
    const int worker = co_await cadre::on(ex, process_id);
    std::vector<double> took;
    const long before = wake::sleeps_of(::getpid()) + wake::sleeps_of(worker);
    for (unsigned i = 0; i != wake::calls; ++i) {
        wake::compute(std::chrono::microseconds(microseconds));
        took.push_back(co_await one_call(ex, i));
    }
    const long after = wake::sleeps_of(::getpid()) + wake::sleeps_of(worker);
    wake::report(name, took);
    bench::report(name + ", sleeps", static_cast<double>(after - before) / wake::calls, "a call");
}

cadre::task<> calls_after_sleeping(cadre::executor ex) {
    const int worker = co_await cadre::on(ex, process_id);
    std::vector<double> took;
    const long before = wake::sleeps_of(::getpid()) + wake::sleeps_of(worker);
    for (unsigned i = 0; i != wake::calls_after_sleep; ++i) {
        co_await cadre::sleep_for(wake::pause);
        took.push_back(co_await one_call(ex, i));
    }
    const long after = wake::sleeps_of(::getpid()) + wake::sleeps_of(worker);
    wake::report("after 3 ms asleep", took);
    bench::report("after 3 ms asleep, sleeps", static_cast<double>(after - before) / wake::calls_after_sleep, "a call");
}

cadre::task<int> run(cadre::executor ex) {
    for (const int us : wake::computing_us)
        co_await calls_after_computing(ex, us, "after " + std::to_string(us) + " us");
    co_await calls_after_sleeping(ex);
    for (unsigned n = 1; n <= 2; ++n) {
        const wake::busy_neighbours others(n);
        co_await calls_after_computing(ex, 0, std::to_string(n) + (n == 1 ? " busy neighbour" : " busy neighbours"));
    }
    co_return 0;
}

}  // namespace

int main() {
    cadre::runtime rt(cadre::config{.executor = "process:1"});
    return rt.run(run(rt.executor()));
}
