// Shows: what goes wrong without a lock. Two tasks add 1 and 3 to one shared value, five times each; each reads the
// value, pauses, and writes back what it read plus its own number. Whatever the other wrote meanwhile is lost.
//
// The sample `lock` is this program made right.

#include <chrono>
#include <iostream>

#include <cadre/cadre.hpp>

using namespace std::chrono_literals;

namespace {

constexpr int rounds = 5;

struct losses {
    int writes = 0;  ///< how many writes overwrote something this task had never seen
    int amount = 0;  ///< by how much, in total
};

cadre::task<losses> add(cadre::shared_value<int> value, int number) {
    losses lost;
    for (int i = 0; i < rounds; ++i) {
        const int seen = value.load();
        co_await cadre::sleep_for(2ms);  // as if working out the new value took a while
        // The read and the write are atomic, the two together are not. exchange writes like store, and also tells
        // what it overwrote: that is how the damage can be counted instead of guessed.
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

    // How much is lost is a matter of luck, and it may be nothing. But the books must balance: a shared value never
    // tears and never forgets, so what the tasks saw themselves overwrite is exactly what is missing.
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
