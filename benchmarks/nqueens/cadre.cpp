#include "nqueens/parameters.hpp"

#include <cadre/cadre.hpp>

#include <ranges>

namespace {

template <std::size_t N>
cadre::task<int> solve(std::size_t column, nqueens::board<N> queens) {
    if (column == N) co_return 1;
    const auto legal = [&](std::int8_t row) { return nqueens::is_legal(queens, column, row); };
    const auto placed = [&](std::int8_t row) {
        queens[column] = row;
        return solve(column + 1, queens);
    };
    const auto rows = std::views::iota(std::int8_t{0}, static_cast<std::int8_t>(N));
    const auto counts = co_await cadre::when_all(rows | std::views::filter(legal) | std::views::transform(placed));
    int solutions = 0;
    for (const int count : counts)
        solutions += count;
    co_return solutions;
}

}  // namespace

int main() {
    nqueens::with_size([]<std::size_t N>() {
        for (const unsigned threads : bench::thread_counts) {
            cadre::thread_executor ex{{.workers = static_cast<int>(threads)}};
            (void)cadre::sync_wait(cadre::on(ex, solve<8>, 0u, nqueens::board<8>{}));
            bench::measure(bench::threads_name(threads), nqueens::answer<N>,
                           [&] { return cadre::sync_wait(cadre::on(ex, solve<N>, 0u, nqueens::board<N>{})); });
        }
    });
    return 0;
}
