// The calls through parallel_for: a task for each, and with its own partition.

#include "map_calls/parameters.hpp"

#include <string>
#include <vector>

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace {

template <class Partitioner>
std::vector<std::uint64_t> map(std::uint64_t (*f)(std::uint64_t), std::uint64_t n, const Partitioner& partitioner) {
    std::vector<std::uint64_t> results(n);
    tbb::parallel_for(
        tbb::blocked_range<std::uint64_t>(0, n, 1),
        [&](const tbb::blocked_range<std::uint64_t>& range) {
            for (std::uint64_t i = range.begin(); i != range.end(); ++i)
                results[i] = f(i);
        },
        partitioner);
    return results;
}

}  // namespace

int main() {
    for (const unsigned threads : {1u, 2u}) {
        const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, threads);
        tbb::task_arena arena(static_cast<int>(threads));
        arena.execute([&] {
            map_calls::measure_all(map_calls::workers_name(threads), [](auto f, std::uint64_t n, bool one_by_one) {
                return one_by_one ? map(f, n, tbb::simple_partitioner()) : map(f, n, tbb::auto_partitioner());
            });
        });
    }
    return 0;
}
