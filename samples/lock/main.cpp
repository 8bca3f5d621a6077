// Shows: an async lock shared by tasks, threads and processes. Two tasks add 1 and 3 to one shared value,
// five times each, and each holds the lock for its whole loop, so the additions never interleave.
//
// The sample `race` is this program without the lock.

#include <chrono>
#include <cstddef>
#include <iostream>
#include <vector>

#include <cadre/cadre.hpp>

using namespace std::chrono_literals;

namespace {

/// Returns the value after each addition. Sends `number` when it has the lock.
cadre::task<std::vector<int>> add(cadre::async_mutex mutex, cadre::shared_value<int> value, int number,
                                  cadre::channel<int> owners) {
    std::vector<int> history;
    // Waiting for the lock suspends this coroutine and holds no thread. The guard unlocks in its destructor; if this
    // process dies, the lock passes to the next owner.
    auto guard = co_await mutex.lock();
    co_await owners.send(number);
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
    cadre::channel<int> owners{ex, 2};
    auto ones = cadre::spawn(ex, add, mutex, value, 1, owners);
    (void)co_await owners.receive();  // the other task starts while this one holds the lock, so it has to wait
    auto threes = cadre::spawn(ex, add, mutex, value, 3, owners);

    std::vector<int> history = co_await ones;
    const std::vector<int> rest = co_await threes;
    history.insert(history.end(), rest.begin(), rest.end());
    for (std::size_t i = 0; i < history.size(); ++i)
        std::cout << (i == 0 ? "" : " ") << history[i];
    std::cout << '\n';

    const std::vector<int> expected{1, 2, 3, 4, 5, 8, 11, 14, 17, 20};
    if (history != expected) {
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
