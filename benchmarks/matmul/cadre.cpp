#include "matmul/parameters.hpp"

#include <cadre/cadre.hpp>

namespace {

using matmul::input, matmul::output;

cadre::task<void> multiply(input a, input b, output c) {
    if (c.size <= matmul::leaf) {
        matmul::multiply_leaf(a, b, c);
        co_return;
    }
    for (const int k : {0, 1})
        co_await cadre::when_all(multiply(a(0, k), b(k, 0), c(0, 0)), multiply(a(0, k), b(k, 1), c(0, 1)),
                                 multiply(a(1, k), b(k, 0), c(1, 0)), multiply(a(1, k), b(k, 1), c(1, 1)));
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        cadre::thread_executor ex{{.workers = static_cast<int>(threads)}};
        matmul::measure(threads,
                        [&](input a, input b, output c) { cadre::sync_wait(cadre::on(ex, multiply, a, b, c)); });
    }
    return 0;
}
