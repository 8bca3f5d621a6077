#include "idle/parameters.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

int main() {
    namespace asio = boost::asio;
    for (const unsigned threads : bench::thread_counts) {
        asio::thread_pool pool(threads);
        idle::measure(threads, [&](auto f) { asio::post(pool, asio::use_future(f)).get(); });
    }
    return 0;
}
