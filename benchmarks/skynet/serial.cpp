#include "skynet/parameters.hpp"

namespace {

[[gnu::noinline]] std::uint64_t visit(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    const std::uint64_t share = leaves / skynet::children;
    std::uint64_t sum = 0;
    for (unsigned i = 0; i != skynet::children; ++i)
        sum += visit(first + i * share, share);
    return sum;
}

}  // namespace

int main() {
    bench::measure(bench::threads_name(1), skynet::answer, [] { return visit(0, skynet::leaves); });
    return 0;
}
