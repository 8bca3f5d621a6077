// A future of the standard library cannot be awaited.
// expect: co_await of something that is no awaitable

#include <cadre/task.hpp>

#include <future>

cadre::task<int> result_of(std::future<int> f) {
    const int result = co_await f;
    co_return result;
}
