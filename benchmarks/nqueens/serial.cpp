#include "nqueens/parameters.hpp"

namespace {

template <std::size_t N>
int solve(std::size_t column, nqueens::board<N> queens) {
    if (column == N) return 1;
    int solutions = 0;
    for (std::int8_t row = 0; row != N; ++row) {
        if (!nqueens::is_legal(queens, column, row)) continue;
        queens[column] = row;
        solutions += solve(column + 1, queens);
    }
    return solutions;
}

}  // namespace

int main() {
    nqueens::with_size([]<std::size_t N>() {
        bench::measure(bench::threads_name(1), nqueens::answer<N>, [] { return solve<N>(0, {}); });
    });
    return 0;
}
