#include "peak_memory.hpp"

#include <algorithm>
#include <fstream>
#include <ranges>
#include <string>

namespace {

std::size_t peak_here(std::size_t /*call*/) {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
        if (std::size_t kibibytes = 0; word == "VmHWM:" && status >> kibibytes) return kibibytes / 1024;
    return 0;
}

}  // namespace

cadre::task<std::size_t> peak_memory(cadre::executor ex) {
    // Several calls a worker, so that each gets one.
    const auto there =
        co_await cadre::map(ex, peak_here, std::views::iota(std::size_t{0}, 8 * ex.concurrency()), {.chunk = 1});
    co_return std::max(peak_here(0), std::ranges::max(there));
}
