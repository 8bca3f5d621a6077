#include "runtimes/tbb.hpp"
#include "matmul/parameters.hpp"

#include <tbb/parallel_invoke.h>

namespace {

using matmul::input, matmul::output;

void multiply(input a, input b, output c) {
    if (c.size <= matmul::leaf) {
        matmul::multiply_leaf(a, b, c);
        return;
    }
    for (const int k : {0, 1})
        tbb::parallel_invoke([=] { multiply(a(0, k), b(k, 0), c(0, 0)); }, [=] { multiply(a(0, k), b(k, 1), c(0, 1)); },
                             [=] { multiply(a(1, k), b(k, 0), c(1, 0)); },
                             [=] { multiply(a(1, k), b(k, 1), c(1, 1)); });
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        bench::tbb_threads pool(threads);
        matmul::measure(threads, [&](input a, input b, output c) { pool.run([=] { multiply(a, b, c); }); });
    }
    return 0;
}
