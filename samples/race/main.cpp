// Shows: updates that are lost without a lock. Two tasks add 1 and 3 to one shared value, five times each; each reads
// the value, pauses, and writes back the sum. Writes of the other task in between are lost.
//
// The sample `lock` is the corrected program.

#include <chrono>
#include <iostream>

#include <cadre/cadre.hpp>

using namespace std::chrono_literals;

namespace {

constexpr int rounds = 5;

struct losses {
    int writes = 0;  ///< writes that overwrote a value that this task had not read
    int amount = 0;  ///< total of the overwritten differences
};

cadre::task<losses> add(cadre::shared_value<int> value, int number) {
    losses lost;
    for (int i = 0; i < rounds; ++i) {
        const int seen = value.load();
        co_await cadre::sleep_for(2ms);  // as if computing the new value took time
        // The read and the write are atomic, but their combination is not. exchange writes like store and also returns
        // the previous value, so that the loss can be counted.
        const int overwritten = value.exchange(seen + number);
        lost.writes += overwritten != seen;
        lost.amount += overwritten - seen;
    }
    co_return lost;
}

cadre::task<int> app(cadre::executor ex) {
    cadre::shared_value<int> value{ex, 0};
    const auto [ones, threes] = co_await cadre::when_all(cadre::on(ex, add, value, 1), cadre::on(ex, add, value, 3));

    const int expected = rounds * (1 + 3);
    const int got = value.load();
    std::cout << "expected " << expected << ", got " << got << '\n'
              << "blind writes: " << ones.writes << " of " << rounds << " by the task that adds 1, " << threes.writes
              << " of " << rounds << " by the task that adds 3\n"
              << "lost updates: " << expected - got << " of " << expected << '\n';

    // The loss depends on timing and may be zero. It always equals the sum of the overwritten differences, because each
    // access to the shared value is atomic.
    if (expected - got != ones.amount + threes.amount) {
        std::cerr << "race: " << expected - got << " is missing, but the tasks overwrote "
                  << ones.amount + threes.amount << '\n';
        co_return 1;
    }
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);  // first line of main: worker processes start from here
    return rt.run(app(rt.executor()));
}
