// send and receive, one item at a time: from the parent to a worker, and from one worker to another.

#include "channel_process/parameters.hpp"

#include <cadre/cadre.hpp>

#include <cstdlib>

namespace {

using channel_process::items;
using channel = cadre::channel<std::uint64_t>;

cadre::task<void> produce(channel ch, std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i)
        co_await ch.send(i);
    ch.close();
}

cadre::task<std::uint64_t> consume(channel ch) {
    std::uint64_t sum = 0;
    for (;;) {
        const std::optional<std::uint64_t> item = co_await ch.receive();
        if (!item) co_return sum;
        sum += *item;
    }
}

template <class Start>
cadre::task<void> measure(cadre::executor ex, std::string_view name, std::uint64_t n, Start start_producer) {
    channel ch(ex, channel_process::capacity);
    auto consumer = cadre::spawn(ex, consume, ch);
    const auto begin = bench::clock::now();
    co_await start_producer(ch, n);
    const std::uint64_t sum = co_await consumer;
    const double rate = static_cast<double>(n) / bench::seconds_since(begin);
    if (sum != n * (n - 1) / 2) std::abort();
    if (!name.empty()) bench::report(name, rate, "items/s");
}

cadre::task<int> run(cadre::executor ex) {
    const auto here = [](channel ch, std::uint64_t n) { return produce(ch, n); };
    const auto there = [ex](channel ch, std::uint64_t n) { return cadre::on(ex, produce, ch, n); };
    co_await measure(ex, "", items / 10, here);
    co_await measure(ex, "parent to worker", items, here);
    co_await measure(ex, "worker to worker", items, there);
    co_return 0;
}

}  // namespace

int main() {
    cadre::runtime rt(cadre::config{.executor = "process:2"});
    return rt.run(run(rt.executor()));
}
