// A thousand hours of a thousand tasks that sleep an hour at a time, on a virtual clock.

#include "measure.hpp"

#include <cadre/cadre.hpp>

#include <chrono>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

const int tasks = bench::scaled(1'000, 50);
const int hours = bench::scaled(1'000, 50);

// Each at minutes of its own.
cadre::task<int> sleep_and_count(int number) {
    co_await cadre::sleep_for(number * 1s);
    int slept = 0;
    for (; slept != hours; ++slept)
        co_await cadre::sleep_for(1h);
    co_return slept;
}

cadre::task<int> sleep_all() {
    const auto begin = cadre::now();
    std::vector<cadre::task<int>> all;
    for (int i = 0; i != tasks; ++i)
        all.push_back(sleep_and_count(i));
    int slept = 0;
    for (const int hours_of_one : co_await cadre::when_all(std::move(all)))
        slept += hours_of_one;
    bench::require(cadre::now() - begin >= hours * 1h, "virtual time");
    co_return slept;
}

void measure(const char* name, cadre::serial_options options) {
    const cadre::serial_executor ex{options};
    bench::measure(name, tasks * hours, [&] { return cadre::sync_wait(cadre::on(ex, sleep_all)); });
}

}  // namespace

int main(int argc, char** argv) {
    const cadre::runtime rt(argc, argv);
    measure("in the order of their times", {.clock = cadre::clock_kind::virtual_time});
    measure("in the order of a seed", {.clock = cadre::clock_kind::virtual_time, .seed = 7});
    return 0;
}
