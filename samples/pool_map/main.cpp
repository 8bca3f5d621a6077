// Shows: common uses of a pool of workers: map, a pool of a given size, one asynchronous call, and a list of
// asynchronous calls whose results are collected at the end.

#include <iostream>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include <cadre/cadre.hpp>

namespace {

int square(int x) { return x * x; }

const std::vector<int> expected{0, 1, 4, 9, 16, 25, 36, 49, 64, 81};

std::string to_text(const std::vector<int>& values) {
    std::string text;
    for (int value : values)
        text += (text.empty() ? "" : ", ") + std::to_string(value);
    return '[' + text + ']';
}

/// An executor of the same kind as `ex` with three workers. A serial executor always has one.
cadre::executor with_three_workers(const cadre::executor& ex) {
    switch (ex.kind()) {
        case cadre::executor_kind::thread: return cadre::make_executor("thread:3");
        case cadre::executor_kind::process: return cadre::make_executor("process:3");
        default: return ex;
    }
}

cadre::task<int> app(cadre::executor ex) {
    // Results are in input order, whichever worker finishes first.
    const auto mapped = co_await cadre::map(ex, square, std::views::iota(0, 10));
    std::cout << to_text(mapped) << '\n';

    const auto three = with_three_workers(ex);
    const auto mapped_by_three = co_await cadre::map(three, square, std::views::iota(0, 10));
    std::cout << to_text(mapped_by_three) << '\n';

    // One asynchronous call: it runs while this task continues, until the result is awaited.
    auto job = cadre::spawn(ex, square, 2);
    const int four = co_await job;
    std::cout << four << '\n';

    // Many of them: all ten are running before the first is awaited.
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < 10; ++i)
        jobs.push_back(cadre::spawn(ex, square, i));
    const auto gathered = co_await cadre::when_all(std::move(jobs));
    std::cout << to_text(gathered) << '\n';

    if (mapped != expected || mapped_by_three != expected || four != 4 || gathered != expected) {
        std::cerr << "pool_map: expected the squares " << to_text(expected) << " three times, and 4\n";
        co_return 1;
    }
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);  // first line of main: worker processes start from here
    return rt.run(app(rt.executor()));
}
