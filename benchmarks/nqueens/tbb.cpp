#include "runtimes/tbb.hpp"
#include "nqueens/parameters.hpp"

#include <tbb/task_group.h>

namespace {

template <std::size_t N>
int solve(std::size_t column, nqueens::board<N> queens) {
    if (column == N) return 1;
    std::array<int, N> counts{};
    tbb::task_group group;
    for (std::int8_t row = 0; row != N; ++row) {
        if (!nqueens::is_legal(queens, column, row)) continue;
        queens[column] = row;
        int& count = counts[static_cast<std::size_t>(row)];
        group.run([&count, column, queens] { count = solve(column + 1, queens); });
    }
    group.wait();
    int solutions = 0;
    for (const int count : counts)
        solutions += count;
    return solutions;
}

}  // namespace

int main() {
    nqueens::with_size([]<std::size_t N>() {
        for (const unsigned threads : bench::thread_counts) {
            bench::tbb_threads pool(threads);
            (void)pool.run([] { return solve<8>(0, {}); });
            bench::measure(bench::threads_name(threads), nqueens::answer<N>,
                           [&] { return pool.run([] { return solve<N>(0, {}); }); });
        }
    });
    return 0;
}
