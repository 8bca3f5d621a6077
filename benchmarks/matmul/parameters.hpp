/// @file
/// The product of two matrices of 2048 × 2048 integers by recursion into quadrants: each quadrant of the result is the
/// sum of two products, which are added in two phases, so that no two tasks write to the same element. Blocks of 32 are
/// multiplied by loops.
#pragma once

#include "measure.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <boost/align/aligned_allocator.hpp>

namespace matmul {

inline const int size = bench::scaled(2048, 128);
inline constexpr int leaf = 32;

/// A square part of a matrix.
template <class T>
struct block {
    T* data;
    int size;
    int stride;

    /// The quadrant in that half of the rows and that half of the columns.
    [[nodiscard]] block operator()(int row, int column) const {
        const int half = size / 2;
        return {data + row * half * stride + column * half, half, stride};
    }
};
using input = block<const int>;
using output = block<int>;

/// Adds the product of `a` and `b` to `c`. Never inlined, because the effect of inlining differs between contenders.
[[gnu::noinline]] inline void multiply_leaf(input a, input b, output c) {
    for (int i = 0; i != c.size; ++i)
        for (int k = 0; k != c.size; ++k)
            for (int j = 0; j != c.size; ++j)
                c.data[i * c.stride + j] += a.data[i * a.stride + k] * b.data[k * b.stride + j];
}

/// The factors and their product.
class problem {
public:
    explicit problem(int n) : size_(n), a_(cells()), b_(cells()), c_(cells()) {
        std::minstd_rand random;
        for (values* factor : {&a_, &b_})
            for (int& value : *factor)
                value = static_cast<int>(random() % 8);
    }

    [[nodiscard]] input a() const { return {a_.data(), size_, size_}; }
    [[nodiscard]] input b() const { return {b_.data(), size_, size_}; }
    [[nodiscard]] output c() { return {c_.data(), size_, size_}; }

    /// Whether c x = a (b x) for a random x: a wrong product passes with negligible probability.
    [[nodiscard]] bool is_solved() const {
        std::minstd_rand random(7);
        std::vector<std::int64_t> x(static_cast<std::size_t>(size_));
        for (std::int64_t& value : x)
            value = random() % 1000;
        return times(c_, x) == times(a_, times(b_, x));
    }

private:
    // Rows are aligned to cache lines; otherwise their placement changes the time by a sixth.
    using values = std::vector<int, boost::alignment::aligned_allocator<int, 64>>;

    [[nodiscard]] std::size_t cells() const {
        return static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_);
    }
    [[nodiscard]] static std::vector<std::int64_t> times(const values& matrix, const std::vector<std::int64_t>& x) {
        std::vector<std::int64_t> result(x.size());
        for (std::size_t i = 0; i != x.size(); ++i)
            for (std::size_t j = 0; j != x.size(); ++j)
                result[i] += matrix[i * x.size() + j] * x[j];
        return result;
    }

    int size_;
    values a_;
    values b_;
    values c_;
};

/// Times `multiply(a, b, c)` after a small product.
template <class F>
void measure(unsigned threads, F multiply) {
    problem warm_up(4 * leaf);
    multiply(warm_up.a(), warm_up.b(), warm_up.c());
    problem p(size);
    const auto begin = bench::clock::now();
    multiply(p.a(), p.b(), p.c());
    const double took = bench::seconds_since(begin);
    bench::require(p.is_solved(), bench::threads_name(threads));
    bench::report(bench::threads_name(threads), took * 1e3, "ms");
}

}  // namespace matmul
