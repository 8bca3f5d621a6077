/// @file
/// A team of OpenMP threads.
#pragma once

#include <type_traits>

namespace bench {

/// Runs `f` on one of `threads` threads; the others run the tasks that it creates.
template <class F>
auto run_openmp(unsigned threads, F f) {
    std::invoke_result_t<F> result{};
#pragma omp parallel num_threads(threads)
#pragma omp single
    result = f();
    return result;
}

}  // namespace bench
