// Producers and consumers. The queue is closed when the producers have ended, and each consumer ends when it is
// drained.

#include <iostream>
#include <ranges>

#include <cadre/cadre.hpp>

cadre::task<void> produce(cadre::channel<int> numbers, int first) {
    co_await numbers.send_all(std::views::iota(first, first + 100));
}

cadre::task<int> consume(cadre::channel<int> numbers) {
    int total = 0;
    while (const auto number = co_await numbers.receive())
        total += *number;
    co_return total;
}

cadre::task<void> app(cadre::executor ex) {
    const cadre::channel<int> numbers{ex, 8};
    std::vector<cadre::job<int>> consumers;
    for (int i = 0; i != 3; ++i)
        consumers.push_back(cadre::spawn(ex, consume, numbers));
    auto low = cadre::spawn(ex, produce, numbers, 0);
    auto high = cadre::spawn(ex, produce, numbers, 100);
    co_await numbers.close_after(cadre::when_all(std::move(low), std::move(high)));
    int total = 0;
    for (auto& consumer : consumers)
        total += co_await consumer;
    std::cout << "total: " << total << '\n';
}

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
