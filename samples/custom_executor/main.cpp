// Shows: how to implement an executor, here one that runs tasks on oneTBB's threads, and how to make it selectable by
// name like the built-in ones: --executor=tbb:2.
//
// The executor itself is in tbb_backend.hpp.

#include <iostream>

#include <oneapi/tbb/task_arena.h>

#include <cadre/cadre.hpp>

#include "tbb_backend.hpp"

namespace {

bool is_prime(unsigned n) {
    for (unsigned d = 2; d * d <= n; ++d)
        if (n % d == 0) return false;
    return n >= 2;
}

/// Fork and join: the two halves run in parallel if the executor has several threads. `on` sends the whole tree there.
cadre::task<unsigned> count_primes(unsigned first, unsigned last) {
    if (last - first <= 1000) {
        unsigned count = 0;
        for (unsigned n = first; n < last; ++n)
            count += is_prime(n);
        co_return count;
    }
    const unsigned middle = first + (last - first) / 2;
    const auto [low, high] = co_await cadre::when_all(count_primes(first, middle), count_primes(middle, last));
    co_return low + high;
}

/// Whether this task runs on a thread of oneTBB.
bool on_a_tbb_thread() { return tbb::this_task_arena::current_thread_index() != tbb::task_arena::not_initialized; }

cadre::task<int> app(cadre::executor chosen) {
    constexpr unsigned limit = 100'000;
    const auto tbb = cadre::make_executor("tbb:2");
    const unsigned by_chosen = co_await cadre::on(chosen, count_primes, 0u, limit);
    const unsigned by_tbb = co_await cadre::on(tbb, count_primes, 0u, limit);
    const bool ran_there = co_await cadre::on(tbb, on_a_tbb_thread);
    std::cout << "the selected executor: " << by_chosen << " primes below " << limit << '\n'
              << "tbb: " << by_tbb << " primes below " << limit
              << (ran_there ? ", counted on oneTBB's threads\n" : "\n");
    if (by_chosen != 9592 || by_tbb != 9592 || !ran_there) {
        std::cerr << "custom_executor: expected 9592 primes, by both, and the second count on oneTBB's threads\n";
        co_return 1;
    }
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    register_tbb();                 // before the runtime, which reads --executor=tbb:2
    cadre::runtime rt(argc, argv);  // before everything else: worker processes start from here
    return rt.run(app(rt.executor()));
}
