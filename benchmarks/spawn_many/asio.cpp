// Boost.Asio: a handler of a thread_pool posts the others.

#include "spawn_many/parameters.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

int main() {
    namespace asio = boost::asio;
    for (const unsigned threads : bench::thread_counts)
        spawn_many::measure(threads, [=](std::atomic<std::uint64_t>& sum) {
            asio::thread_pool pool(threads);
            asio::post(pool, [&] {
                for (std::uint64_t i = 0; i != spawn_many::tasks; ++i)
                    asio::post(pool, [&sum, i] { spawn_many::add(sum, i); });
            });
            pool.join();
        });
    return 0;
}
