// A task in a variable is awaited by moving it, once.
// expect: co_await of a variable that is awaited by moving it, as a task is: write co_await std::move(t)

#include <cadre/task.hpp>

cadre::task<int> one() { co_return 1; }

cadre::task<int> twice_one() {
    auto t = one();
    const int first = co_await t;
    co_return first + co_await std::move(t);
}
