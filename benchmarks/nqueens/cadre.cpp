#include "nqueens/parameters.hpp"

#include <cadre/cadre.hpp>

#include <utility>
#include <vector>

namespace {

template <std::size_t N>
cadre::task<int> solve(std::size_t column, nqueens::board<N> queens) {
    if (column == N) co_return 1;
    std::vector<cadre::task<int>> placements;
    for (std::int8_t row = 0; row != N; ++row) {
        if (!nqueens::is_legal(queens, column, row)) continue;
        queens[column] = row;
        placements.push_back(solve(column + 1, queens));
    }
    const auto counts = co_await cadre::when_all(std::move(placements));
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
