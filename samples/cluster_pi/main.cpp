// Shows: one program for a laptop, an MPI job and hosts that come and go. It throws points into a square and counts
// those in the circle. Its code does not depend on hosts: the configured executor decides where the blocks of points
// are counted.

#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <map>
#include <numbers>
#include <ranges>
#include <string>

#include <unistd.h>

#include <CLI/CLI.hpp>

#include <cadre/cadre.hpp>

namespace {

constexpr std::uint64_t points_per_block = 1'000'000;

/// What one block adds to the result, and where it was counted.
struct tally {
    std::uint64_t inside = 0;
    std::map<std::string, std::uint64_t> blocks_of_host{};
};

std::string host_name() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return name.data();
}

/// The points of a block are the same wherever it is counted, so the result does not depend on the executor.
class random_numbers {
public:
    explicit random_numbers(std::uint64_t block) : state_(block * points_per_block * 2 * step) {}
    /// From 0 to 1, by SplitMix64.
    double next() {
        std::uint64_t x = state_ += step;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
        return static_cast<double>((x ^ (x >> 31)) >> 11) * 0x1.0p-53;
    }

private:
    static constexpr std::uint64_t step = 0x9e3779b97f4a7c15U;
    std::uint64_t state_;
};

tally count_block(std::uint64_t block) {
    random_numbers random(block);
    tally result;
    for (std::uint64_t i = 0; i < points_per_block; ++i) {
        const double x = random.next();
        const double y = random.next();
        if (x * x + y * y < 1) ++result.inside;
    }
    result.blocks_of_host[host_name()] = 1;
    return result;
}

tally combine(tally a, const tally& b) {
    a.inside += b.inside;
    for (const auto& [host, blocks] : b.blocks_of_host)
        a.blocks_of_host[host] += blocks;
    return a;
}

cadre::task<int> app(cadre::executor ex, std::uint64_t blocks) {
    const auto begin = std::chrono::steady_clock::now();
    const auto all = std::views::iota(std::uint64_t{0}, blocks);
    const tally nothing;
    // A block whose worker or host is lost is counted again, up to three times, by another one.
    const tally total = co_await cadre::reduce(ex, count_block, combine, all, nothing, {.retries = 3});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;

    const auto points = static_cast<double>(blocks * points_per_block);
    const double pi = 4 * static_cast<double>(total.inside) / points;
    std::cout << "pi is about " << std::fixed << std::setprecision(5) << pi << ", from " << blocks
              << " million points\n";
    std::cerr << ex.concurrency() << " workers of '" << ex.name() << "', " << took.count() << " s\n";
    for (const auto& [host, counted] : total.blocks_of_host)
        std::cerr << host << ": " << counted << " blocks\n";

    // Five standard deviations of the estimate.
    const double tolerance = 5 * 4 * std::sqrt(std::numbers::pi / 4 * (1 - std::numbers::pi / 4) / points);
    if (std::abs(pi - std::numbers::pi) > tolerance) {
        std::cerr << "cluster_pi: expected " << std::numbers::pi << " within " << tolerance << '\n';
        co_return 1;
    }
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);  // first line of main: workers and agents start from here and do not return

    CLI::App options{"Pi, from points in a square, on any number of hosts"};
    std::uint64_t blocks = 50;
    options.add_option("--blocks", blocks, "of a million points")
        ->check(CLI::Range(1u, 1'000'000u))
        ->capture_default_str();
    CLI11_PARSE(options, argc, argv);

    return rt.run(app(rt.executor(), blocks));
}
