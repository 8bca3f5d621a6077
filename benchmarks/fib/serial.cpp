// Plain recursion: the time without forks.

#include "fib/parameters.hpp"

namespace {

[[gnu::noinline]] std::uint64_t compute(unsigned n) { return n < 2 ? n : compute(n - 1) + compute(n - 2); }

}  // namespace

int main() {
    bench::measure(bench::threads_name(1), fib::answer, [] { return compute(fib::n); });
    return 0;
}
