// A stream is a sequence: its items are awaited.
// expect: a stream is not awaited itself: write co_await s.next()

#include <optional>

#include <cadre/stream.hpp>
#include <cadre/task.hpp>

cadre::stream<int> numbers() { co_yield 1; }

cadre::task<int> first() {
    const std::optional<int> item = co_await numbers();
    co_return *item;
}
