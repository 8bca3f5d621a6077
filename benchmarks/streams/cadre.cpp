// The cost of an element: `map_stream` with an automatic window beside `map`, and a stream of three views on one
// thread.

#include "measure.hpp"

#include <cadre/cadre.hpp>

#include <cstdint>
#include <numeric>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

namespace {

const auto items = bench::scaled<std::uint64_t>(1'000'000, 20'000);
const auto elements = bench::scaled<std::uint64_t>(10'000'000, 20'000);
const int rounds = bench::scaled(15, 1);

std::uint64_t square(std::uint64_t x) { return x * x; }

std::uint64_t sum_of_squares(std::uint64_t n) { return (n - 1) * n * (2 * n - 1) / 6; }

cadre::task<std::uint64_t> sum_of_map(cadre::executor ex) {
    const auto squares = co_await cadre::map(ex, square, std::views::iota(std::uint64_t{0}, items));
    co_return std::accumulate(squares.begin(), squares.end(), std::uint64_t{0});
}

cadre::task<std::uint64_t> sum_of_stream(cadre::executor ex, bool ordered) {
    auto squares = cadre::map_stream(ex, square, std::views::iota(std::uint64_t{0}, items), {.ordered = ordered});
    std::uint64_t sum = 0;
    while (const auto x = co_await squares.next())
        sum += *x;
    co_return sum;
}

// In turn, so that a slow moment of the machine meets all of them.
void compare_with_map(const char* spec) {
    const cadre::executor ex = cadre::make_executor(spec);
    std::vector<double> map;
    std::vector<double> ordered;
    std::vector<double> unordered;
    const auto time = [](auto task, std::vector<double>& to) {
        const auto begin = bench::clock::now();
        const std::uint64_t sum = cadre::sync_wait(std::move(task));
        to.push_back(bench::seconds_since(begin) * 1e3);
        bench::require(sum == sum_of_squares(items), "sum of squares");
    };
    for (int i = 0; i != rounds; ++i) {
        time(sum_of_map(ex), map);
        time(sum_of_stream(ex, true), ordered);
        time(sum_of_stream(ex, false), unordered);
    }
    const std::string name = spec;
    bench::report(name + ", map", bench::quantile(map, 0.5), "ms");
    bench::report(name + ", map_stream", bench::quantile(ordered, 0.5), "ms");
    bench::report(name + ", map_stream, unordered", bench::quantile(unordered, 0.5), "ms");
    bench::report(name + ", map_stream to map", bench::quantile(ordered, 0.5) / bench::quantile(map, 0.5), "times");
}

cadre::task<std::uint64_t> sum_through_views() {
    auto odd_squares = cadre::stream_of(std::views::iota(std::uint64_t{0}, elements)) |
                       cadre::views::transform(square) |
                       cadre::views::filter([](std::uint64_t x) { return x % 2 == 1; }) | cadre::views::take(elements);
    std::uint64_t sum = 0;
    while (const auto x = co_await odd_squares.next())
        sum += *x;
    co_return sum;
}

void measure_views() {
    const std::uint64_t n = elements / 2;
    const std::uint64_t wanted = n * (4 * n * n - 1) / 3;  // of the odd squares
    std::vector<double> each;
    for (int i = 0; i != bench::scaled(3, 1); ++i) {
        const auto begin = bench::clock::now();
        bench::require(cadre::sync_wait(sum_through_views()) == wanted, "sum of odd squares");
        each.push_back(bench::seconds_since(begin) * 1e9 / static_cast<double>(elements) / 3);
    }
    bench::report("serial, an element and view of three views", bench::quantile(each, 0.5), "ns");
}

}  // namespace

int main(int argc, char** argv) {
    const cadre::runtime rt(argc, argv);
    measure_views();
    for (const char* spec : {"serial", "thread:1", "thread:2", "process:2"})
        compare_with_map(spec);
    return 0;
}
