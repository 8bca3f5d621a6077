// Shows: an async lock shared by tasks, threads and processes. Two tasks add 1 and 3 to one shared value,
// five times each, and each holds the lock for its whole loop, so the additions never interleave.
//
// The sample `race` is this program without the lock.

#include <chrono>
#include <cstddef>
#include <iostream>
#include <utility>
#include <vector>

#include <cadre/cadre.hpp>

using namespace std::chrono_literals;

namespace {

/// Returns the value after each addition.
cadre::task<std::vector<int>> add(cadre::async_mutex mutex, cadre::shared_value<int> value, int number) {
    std::vector<int> history;
    // Waiting for the lock suspends this coroutine and holds no thread. The guard unlocks in its destructor; if this
    // process dies, the lock passes to the next owner.
    auto guard = co_await mutex.lock();
    for (int i = 0; i < 5; ++i) {
        const int seen = value.load();
        co_await cadre::sleep_for(2ms);  // the pause in which `race` loses its updates
        value.store(seen + number);
        history.push_back(seen + number);
    }
    co_return history;
}

cadre::task<int> app(cadre::executor ex) {
    cadre::async_mutex mutex{ex};
    cadre::shared_value<int> value{ex, 0};
    auto [first, second] =
        co_await cadre::when_all(cadre::on(ex, add, mutex, value, 1), cadre::on(ex, add, mutex, value, 3));

    // Either task may have acquired the lock first; that one has the smaller values.
    if (second.front() < first.front()) {
        std::swap(first, second);
    }
    std::vector<int> history = first;
    history.insert(history.end(), second.begin(), second.end());
    for (std::size_t i = 0; i < history.size(); ++i) {
        std::cout << (i == 0 ? "" : " ") << history[i];
    }
    std::cout << '\n';

    const std::vector<int> ones_first{1, 2, 3, 4, 5, 8, 11, 14, 17, 20};
    const std::vector<int> threes_first{3, 6, 9, 12, 15, 16, 17, 18, 19, 20};
    if (history != ones_first && history != threes_first) {
        std::cerr << "lock: the two loops interleaved\n";
        co_return 1;
    }
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);  // first line of main: worker processes start from here
    return rt.run(app(rt.executor()));
}
