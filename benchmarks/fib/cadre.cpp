#include "fib/parameters.hpp"

#include <cadre/cadre.hpp>

namespace {

cadre::task<std::uint64_t> compute(unsigned n) {
    if (n < 2) co_return n;
    auto [a, b] = co_await cadre::when_all(compute(n - 1), compute(n - 2));
    co_return a + b;
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        cadre::thread_executor ex{{.workers = static_cast<int>(threads)}};
        (void)cadre::sync_wait(cadre::on(ex, compute, fib::warm_up));
        bench::measure(bench::threads_name(threads), fib::answer,
                       [&] { return cadre::sync_wait(cadre::on(ex, compute, fib::n)); });
    }
    return 0;
}
