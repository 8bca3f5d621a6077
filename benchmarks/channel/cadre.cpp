#include "channel/parameters.hpp"

#include <cadre/cadre.hpp>

#include <vector>

namespace {

using integers = cadre::channel<std::uint64_t>;

cadre::task<void> produce(integers ch, std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t i = first; i != end; ++i)
        co_await ch.send(i);
}

cadre::task<std::uint64_t> consume(integers ch) {
    std::uint64_t sum = 0;
    while (const auto item = co_await ch.receive())
        sum += *item;
    co_return sum;
}

cadre::task<void> produce_all(integers ch, unsigned producers, std::uint64_t items) {
    std::vector<cadre::task<void>> tasks;
    for (unsigned i = 0; i != producers; ++i)
        tasks.push_back(produce(ch, items * i / producers, items * (i + 1) / producers));
    (void)co_await cadre::when_all(std::move(tasks));
    ch.close();
}

cadre::task<std::uint64_t> consume_all(integers ch, unsigned consumers) {
    std::vector<cadre::task<std::uint64_t>> tasks;
    for (unsigned i = 0; i != consumers; ++i)
        tasks.push_back(consume(ch));
    const auto sums = co_await cadre::when_all(std::move(tasks));
    std::uint64_t sum = 0;
    for (const std::uint64_t each : sums)
        sum += each;
    co_return sum;
}

cadre::task<std::uint64_t> transfer(integers ch, unsigned pairs, std::uint64_t items) {
    const auto [nothing, sum] = co_await cadre::when_all(produce_all(ch, pairs, items), consume_all(ch, pairs));
    co_return sum;
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        cadre::thread_executor ex{{.workers = static_cast<int>(threads)}};
        channel::measure(threads, [&](std::uint64_t items) {
            const integers ch(ex, channel::capacity);
            return cadre::sync_wait(cadre::on(ex, transfer, ch, channel::pairs(threads), items));
        });
    }
    return 0;
}
