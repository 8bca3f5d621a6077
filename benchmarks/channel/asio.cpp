// Boost.Asio: experimental::concurrent_channel between awaitables on a thread_pool. Its close() drops messages that
// have not been received, so the last producer sends an end marker to every consumer instead.

#include "channel/parameters.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>

namespace {

namespace asio = boost::asio;
using integers = asio::experimental::concurrent_channel<void(boost::system::error_code, std::uint64_t)>;

asio::awaitable<void> produce(integers& ch, std::uint64_t first, std::uint64_t end, std::atomic<unsigned>& producing,
                              unsigned consumers) {
    for (std::uint64_t i = first; i != end; ++i)
        co_await ch.async_send({}, i, asio::use_awaitable);
    if (--producing != 0) co_return;
    for (unsigned i = 0; i != consumers; ++i)
        co_await ch.async_send(asio::error::eof, 0, asio::use_awaitable);
}

asio::awaitable<void> consume(integers& ch, std::atomic<std::uint64_t>& total) {
    std::uint64_t sum = 0;
    for (;;) {
        boost::system::error_code error;
        const std::uint64_t item = co_await ch.async_receive(asio::redirect_error(asio::use_awaitable, error));
        if (error) break;
        sum += item;
    }
    total += sum;
}

std::uint64_t transfer(unsigned threads, std::uint64_t items) {
    const unsigned pairs = channel::pairs(threads);
    asio::thread_pool pool(threads);
    integers ch(pool, channel::capacity);
    std::atomic<unsigned> producing = pairs;
    std::atomic<std::uint64_t> total = 0;
    for (unsigned i = 0; i != pairs; ++i) {
        asio::co_spawn(pool, produce(ch, items * i / pairs, items * (i + 1) / pairs, producing, pairs), asio::detached);
        asio::co_spawn(pool, consume(ch, total), asio::detached);
    }
    pool.join();
    return total;
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts)
        channel::measure(threads, [=](std::uint64_t items) { return transfer(threads, items); });
    return 0;
}
