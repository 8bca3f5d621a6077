#include "runtimes/openmp.hpp"
#include "nqueens/parameters.hpp"

namespace {

template <std::size_t N>
int solve(std::size_t column, nqueens::board<N> queens) {
    if (column == N) return 1;
    std::array<int, N> counts{};
    for (std::int8_t row = 0; row != N; ++row) {
        if (!nqueens::is_legal(queens, column, row)) continue;
        queens[column] = row;
#pragma omp task shared(counts) firstprivate(queens)
        counts[static_cast<std::size_t>(row)] = solve(column + 1, queens);
    }
#pragma omp taskwait
    int solutions = 0;
    for (const int count : counts)
        solutions += count;
    return solutions;
}

}  // namespace

int main() {
    nqueens::with_size([]<std::size_t N>() {
        for (const unsigned threads : bench::thread_counts) {
            (void)bench::run_openmp(threads, [] { return solve<8>(0, {}); });
            bench::measure(bench::threads_name(threads), nqueens::answer<N>,
                           [=] { return bench::run_openmp(threads, [] { return solve<N>(0, {}); }); });
        }
    });
    return 0;
}
