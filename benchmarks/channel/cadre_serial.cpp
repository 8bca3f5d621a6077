// Two coroutines of one serial executor.

#include "channel/parameters.hpp"

#include <cadre/cadre.hpp>

namespace {

cadre::task<void> produce(cadre::channel<std::uint64_t> ch, std::uint64_t items) {
    for (std::uint64_t i = 0; i != items; ++i)
        co_await ch.send(i);
    ch.close();
}

cadre::task<std::uint64_t> consume(cadre::channel<std::uint64_t> ch) {
    std::uint64_t sum = 0;
    while (const auto item = co_await ch.receive())
        sum += *item;
    co_return sum;
}

cadre::task<std::uint64_t> transfer(cadre::channel<std::uint64_t> ch, std::uint64_t items) {
    const auto [nothing, sum] = co_await cadre::when_all(produce(ch, items), consume(ch));
    co_return sum;
}

}  // namespace

int main() {
    const cadre::serial_executor ex;
    channel::measure(1, [&](std::uint64_t items) {
        const cadre::channel<std::uint64_t> ch(ex, channel::capacity);
        return cadre::sync_wait(cadre::on(ex, transfer, ch, items));
    });
    return 0;
}
