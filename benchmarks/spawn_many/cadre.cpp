#include "spawn_many/parameters.hpp"

#include <cadre/cadre.hpp>

namespace {

using total = std::atomic<std::uint64_t>;

cadre::task<void> add(total* sum, std::uint64_t i) {
    spawn_many::add(*sum, i);
    co_return;
}

cadre::task<void> spawn_all(total* sum) {
    cadre::scope tasks;
    for (std::uint64_t i = 0; i != spawn_many::tasks; ++i)
        tasks.spawn(add(sum, i));
    co_await tasks.join();
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        cadre::thread_executor ex{{.workers = static_cast<int>(threads)}};
        spawn_many::measure(threads, [&](total& sum) { cadre::sync_wait(cadre::on(ex, spawn_all, &sum)); });
    }
    return 0;
}
