// send and receive, one item at a time: from the parent to a worker, from one worker to another, from two to two; in
// batches; and large messages.

#include "channel_process/parameters.hpp"

#include <cadre/cadre.hpp>

#include <cstdlib>
#include <numeric>
#include <ranges>
#include <type_traits>
#include <vector>

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
cadre::task<void> measure(cadre::executor ex, std::string_view name, std::uint64_t n,
                          cadre::task<std::uint64_t> (*consumer_function)(channel), Start start_producer) {
    channel ch(ex, channel_process::capacity);
    auto consumer = cadre::spawn(ex, consumer_function, ch);
    const auto begin = bench::clock::now();
    co_await start_producer(ch, n);
    const std::uint64_t sum = co_await consumer;
    const double rate = static_cast<double>(n) / bench::seconds_since(begin);
    if (sum != n * (n - 1) / 2) std::abort();
    if (!name.empty()) bench::report(name, rate, "items/s");
}

// In batches: send_all and receive_many.

cadre::task<void> produce_batches(channel ch, std::uint64_t n) {
    co_await ch.send_all(std::views::iota(std::uint64_t{0}, n));
    ch.close();
}

cadre::task<std::uint64_t> consume_batches(channel ch) {
    std::uint64_t sum = 0;
    for (;;) {
        const std::vector<std::uint64_t> some = co_await ch.receive_many(channel_process::batch);
        if (some.empty()) co_return sum;
        sum = std::accumulate(some.begin(), some.end(), sum);
    }
}

// Large messages, by value and in place.

template <class Message>
cadre::task<void> send_large(cadre::channel<Message> ch, cadre::executor ex, std::uint64_t n) {
    if constexpr (std::is_same_v<Message, cadre::message_bytes>) {
        for (std::uint64_t i = 0; i != n; ++i) {
            Message m{ex, channel_process::large};
            m[0] = static_cast<std::byte>(i);
            co_await ch.send(std::move(m));
        }
    } else {
        Message m(channel_process::large);
        for (std::uint64_t i = 0; i != n; ++i) {
            m[0] = static_cast<std::byte>(i);
            co_await ch.send(m);
        }
    }
    ch.close();
}

template <class Message>
cadre::task<std::uint64_t> receive_large(cadre::channel<Message> ch) {
    std::uint64_t n = 0;
    while (const auto m = co_await ch.receive()) {
        if ((*m)[0] != static_cast<std::byte>(n) || m->size() != channel_process::large) std::abort();
        ++n;
    }
    co_return n;
}

template <class Message>
cadre::task<double> large_messages_per_second(cadre::executor ex, std::uint64_t n) {
    const cadre::channel<Message> ch(ex, 16);
    auto receiver = cadre::spawn(ex, receive_large<Message>, ch);
    const auto begin = bench::clock::now();
    co_await send_large(ch, ex, n);
    const std::uint64_t received = co_await receiver;
    if (received != n) std::abort();
    co_return static_cast<double>(n) / bench::seconds_since(begin);
}

cadre::task<void> in_two_parts(channel ch, cadre::executor ex, std::uint64_t n) {
    const auto part = [](channel out, std::uint64_t from, std::uint64_t to) -> cadre::task<void> {
        for (; from != to; ++from)
            co_await out.send(from);
    };
    co_await cadre::when_all(cadre::on(ex, part, ch, std::uint64_t{0}, n / 2), cadre::on(ex, part, ch, n / 2, n));
    ch.close();
}

/// Two processes send, and two others receive.
cadre::task<void> measure_two_to_two(cadre::executor ex, std::uint64_t n) {
    const cadre::executor senders = cadre::process_executor{{.workers = 2}};
    const channel ch(ex, channel_process::capacity);
    auto first = cadre::spawn(ex, consume, ch);
    auto second = cadre::spawn(ex, consume, ch);
    const auto begin = bench::clock::now();
    co_await in_two_parts(ch, senders, n);
    const std::uint64_t sum = co_await first + co_await second;
    const double rate = static_cast<double>(n) / bench::seconds_since(begin);
    if (sum != n * (n - 1) / 2) std::abort();
    bench::report("two workers to two", rate, "items/s");
}

cadre::task<int> run(cadre::executor ex) {
    const auto here = [](channel ch, std::uint64_t n) { return produce(ch, n); };
    const auto there = [ex](channel ch, std::uint64_t n) { return cadre::on(ex, produce, ch, n); };
    const auto batches_here = [](channel ch, std::uint64_t n) { return produce_batches(ch, n); };
    co_await measure(ex, "", items / 10, consume, here);
    co_await measure(ex, "parent to worker", items, consume, here);
    co_await measure(ex, "worker to worker", items, consume, there);
    co_await measure(ex, "parent to worker, batches", items, consume_batches, batches_here);
    co_await measure_two_to_two(ex, items);
    const double copied =
        co_await large_messages_per_second<std::vector<std::byte>>(ex, channel_process::large_items / 50);
    bench::report("1 MiB, copied", copied * channel_process::large / 1e9, "GB/s");
    const double in_place = co_await large_messages_per_second<cadre::message_bytes>(ex, channel_process::large_items);
    bench::report("1 MiB, in place", in_place, "items/s");
    co_return 0;
}

}  // namespace

int main() {
    cadre::runtime rt(cadre::config{.executor = "process:2"});
    return rt.run(run(rt.executor()));
}
