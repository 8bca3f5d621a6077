// Heat spreads over a plate in shared memory; each call computes one row of a step.

#include <algorithm>
#include <cstdio>
#include <ranges>

#include <cadre/cadre.hpp>

using plate = cadre::shared_array<double, 2>;

void relax(plate from, plate to, std::size_t i) {
    const auto old = from.view(), next = to.view();
    for (std::size_t j = 1; j + 1 != old.extent(1); ++j)
        next(i, j) = (old(i - 1, j) + old(i + 1, j) + old(i, j - 1) + old(i, j + 1)) / 4;
}

cadre::task<void> app(cadre::executor ex) {
    plate now{ex, {6, 8}}, next{ex, {6, 8}};
    std::ranges::fill(now.row(0), 100.0);  // the upper edge is hot
    std::ranges::fill(next.row(0), 100.0);
    for (int step = 0; step != 5; ++step) {
        co_await cadre::map(ex, cadre::bind_portable(relax, now, next), std::views::iota(1u, now.extent(0) - 1));
        std::swap(now, next);
    }
    for (std::size_t i = 0; i != now.extent(0); ++i)
        for (std::size_t j = 0; j != now.extent(1); ++j)
            std::printf("%.1f%c", now(i, j), j + 1 == now.extent(1) ? '\n' : ' ');
}

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
