#include "runtimes/openmp.hpp"
#include "matmul/parameters.hpp"

namespace {

using matmul::input, matmul::output;

void multiply(input a, input b, output c) {
    if (c.size <= matmul::leaf) {
        matmul::multiply_leaf(a, b, c);
        return;
    }
    for (const int k : {0, 1}) {
        for (const int i : {0, 1})
            for (const int j : {0, 1}) {
#pragma omp task
                multiply(a(i, k), b(k, j), c(i, j));
            }
#pragma omp taskwait
    }
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts)
        matmul::measure(threads, [=](input a, input b, output c) {
            bench::run_openmp(threads, [=] {
                multiply(a, b, c);
                return true;
            });
        });
    return 0;
}
