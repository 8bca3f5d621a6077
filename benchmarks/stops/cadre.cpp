// The cost of cancelling many sleeping tasks at once, and of a time limit that does not pass.

#include "measure.hpp"

#include <cadre/cadre.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

const int sleepers = bench::scaled(100'000, 1'000);
const int limits = bench::scaled(1'000'000, 10'000);

cadre::task<double> cancel_all() {
    cadre::scope sleeping;
    for (int i = 0; i != sleepers; ++i)
        sleeping.spawn(cadre::sleep_for(1h));
    co_await cadre::sleep_for(50ms);  // until all sleep
    const auto begin = bench::clock::now();
    sleeping.request_stop();
    co_await sleeping.join();
    co_return bench::seconds_since(begin) * 1e3;
}

cadre::task<int> ends_at_once(int n) { co_return n; }

cadre::task<int> yields(int n) {
    co_await cadre::yield();
    co_return n;
}

// Nanoseconds more than the same without a limit.
cadre::task<double> cost_of_limit(cadre::task<int> (*f)(int)) {
    std::int64_t sum = 0;
    auto begin = bench::clock::now();
    for (int i = 0; i != limits; ++i)
        sum += co_await f(i);
    const double without = bench::seconds_since(begin);
    begin = bench::clock::now();
    for (int i = 0; i != limits; ++i)
        sum -= co_await cadre::timeout(1s, f(i));
    const double with = bench::seconds_since(begin);
    bench::require(sum == 0, "sum");
    co_return (with - without) * 1e9 / limits;
}

template <class F>
double median(cadre::executor ex, F f) {
    std::vector<double> all;
    for (int i = 0; i != 5; ++i)
        all.push_back(cadre::sync_wait(f(ex)));
    return bench::quantile(all, 0.5);
}

}  // namespace

int main(int argc, char** argv) {
    const cadre::runtime rt(argc, argv);
    for (const char* spec : {"serial", "thread:2"}) {
        const cadre::executor ex = cadre::make_executor(spec);
        const std::string name = spec;
        bench::report(name + ", cancel " + std::to_string(sleepers) + " sleeping tasks",
                      median(ex, [](cadre::executor on) { return cadre::on(on, cancel_all); }), "ms");
        bench::report(name + ", a limit around a task that ends at once",
                      median(ex, [](cadre::executor on) { return cadre::on(on, cost_of_limit, ends_at_once); }), "ns");
        bench::report(name + ", a limit around a task that yields",
                      median(ex, [](cadre::executor on) { return cadre::on(on, cost_of_limit, yields); }), "ns");
    }
    return 0;
}
