// The calls in a parallel loop with a dynamic schedule of one call, and with OpenMP's own guess.

#include "map_calls/parameters.hpp"

#include <cstdint>
#include <vector>

namespace {

std::vector<std::uint64_t> map(std::uint64_t (*f)(std::uint64_t), std::uint64_t n, unsigned threads, bool one_by_one) {
    std::vector<std::uint64_t> results(n);
    if (one_by_one) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
        for (std::uint64_t i = 0; i < n; ++i)
            results[i] = f(i);
    } else {
#pragma omp parallel for schedule(guided) num_threads(threads)
        for (std::uint64_t i = 0; i < n; ++i)
            results[i] = f(i);
    }
    return results;
}

}  // namespace

int main() {
    for (const unsigned threads : {1u, 2u})
        map_calls::measure_all(map_calls::workers_name(threads), [&](auto f, std::uint64_t n, bool one_by_one) {
            return map(f, n, threads, one_by_one);
        });
    return 0;
}
