#include "matmul/parameters.hpp"

namespace {

using matmul::input, matmul::output;

void multiply(input a, input b, output c) {
    if (c.size <= matmul::leaf) {
        matmul::multiply_leaf(a, b, c);
        return;
    }
    for (const int k : {0, 1})
        for (const int i : {0, 1})
            for (const int j : {0, 1})
                multiply(a(i, k), b(k, j), c(i, j));
}

}  // namespace

int main() {
    matmul::measure(1, multiply);
    return 0;
}
