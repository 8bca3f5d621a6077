// Shows: tasks that send their results on a channel, like Python's multiprocessing.Queue.
//
// Two tasks each compute the sum of i + i^2 + i^3 for i below 1000 and send it; the parent adds what it receives.

#include <cstdint>
#include <iostream>

#include <cadre/cadre.hpp>

namespace {

constexpr std::uint64_t expected = 499'667'166'000;

/// `results` is a handle: its copies are the same channel, in the parent and in every worker.
cadre::task<void> send_sum(cadre::channel<std::uint64_t> results, std::uint64_t n) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < n; ++i)
        sum += i + i * i + i * i * i;
    co_await results.send(sum);
}

cadre::task<int> app(cadre::executor ex) {
    // Capacity for both results, so no task waits for the parent to receive.
    cadre::channel<std::uint64_t> results{ex, 2};

    // when_all returns when both have ended. If one fails, its error is rethrown here, before the first receive; a
    // receive before that could wait for ever for a result that is never sent.
    co_await cadre::when_all(cadre::on(ex, send_sum, results, 1000u), cadre::on(ex, send_sum, results, 1000u));

    // Messages sent before close are still received; then receive returns an empty optional and the loop ends.
    results.close();
    std::uint64_t total = 0;
    while (auto sum = co_await results.receive())
        total += *sum;

    std::cout << total << '\n';
    if (total != expected) {
        std::cerr << "queue_results: expected " << expected << ", got " << total << '\n';
        co_return 1;
    }
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);  // first line of main: worker processes start from here
    return rt.run(app(rt.executor()));
}
