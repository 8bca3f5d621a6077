/// @file
/// Large arguments and results, beside a plain copy.
#pragma once

#include "report.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace large_data {

using data = std::vector<std::uint64_t>;

struct size {
    const char* name;
    std::size_t bytes;
    unsigned times;
};
inline constexpr std::array sizes{size{"1 MiB", std::size_t{1} << 20, 200}, size{"64 MiB", std::size_t{64} << 20, 15},
                                  size{"512 MiB", std::size_t{512} << 20, 3}};

inline data make(std::size_t bytes) { return data(bytes / sizeof(std::uint64_t), 7); }

template <class F>
void report(const std::string& name, unsigned times, F once) {
    std::vector<double> took;
    for (unsigned i = 0; i != times + 1; ++i) {
        const auto begin = bench::clock::now();
        once();
        if (i != 0) took.push_back(bench::seconds_since(begin) * 1e3);  // the first one warms up
    }
    bench::report(name, bench::quantile(took, 0.5), "ms");
}

}  // namespace large_data
