#include "skynet/parameters.hpp"

#include <cadre/cadre.hpp>

#include <ranges>

namespace {

cadre::task<std::uint64_t> visit(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) co_return first;
    const std::uint64_t share = leaves / skynet::children;
    const auto child = [=](unsigned i) { return visit(first + i * share, share); };
    const auto sums = co_await cadre::when_all(std::views::iota(0u, skynet::children) | std::views::transform(child));
    std::uint64_t sum = 0;
    for (const std::uint64_t each : sums)
        sum += each;
    co_return sum;
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        cadre::thread_executor ex{{.workers = static_cast<int>(threads)}};
        (void)cadre::sync_wait(cadre::on(ex, visit, 0u, skynet::warm_up));
        bench::measure(bench::threads_name(threads), skynet::answer,
                       [&] { return cadre::sync_wait(cadre::on(ex, visit, 0u, skynet::leaves)); });
    }
    return 0;
}
