// Boost.Asio: awaitables with a steady_timer each, on a thread_pool.

#include "timers/parameters.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace {

namespace asio = boost::asio;

asio::awaitable<void> sleep(asio::thread_pool& pool, timers::deadline when, double* late) {
    asio::steady_timer timer(pool, when);
    co_await timer.async_wait(asio::use_awaitable);
    *late = timers::microseconds_since(when);
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts)
        timers::measure(threads, [=](timers::deadline begin, std::vector<double>& late) {
            asio::thread_pool pool(threads);
            for (std::size_t i = 0; i != late.size(); ++i)
                asio::co_spawn(pool, sleep(pool, timers::wake_time(begin, i), &late[i]), asio::detached);
            pool.join();
        });
    return 0;
}
