// Makes the awaitable that its argument names and does not await it; with "none" awaits all of them.

#include <cadre/cadre.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using cadre::task;

task<int> one() {
    co_await cadre::yield();
    co_return 1;
}
cadre::stream<int> ones() { co_yield 1; }

task<> forget(cadre::executor ex, std::string kind) {
    const cadre::async_mutex mutex{ex};
    const cadre::async_semaphore semaphore{ex, 1};
    const cadre::channel<int> channel{ex, 1};
    auto stream = ones();
    cadre::scope scope;
    if (kind == "lock") [[maybe_unused]]
        const auto a = mutex.lock();
    if (kind == "acquire") [[maybe_unused]]
        const auto a = semaphore.acquire();
    if (kind == "send") [[maybe_unused]]
        const auto a = channel.send(1);
    if (kind == "receive") [[maybe_unused]]
        const auto a = channel.receive();
    if (kind == "sleep") [[maybe_unused]]
        const auto a = cadre::sleep_for(1s);
    if (kind == "when_all") [[maybe_unused]]
        const auto a = cadre::when_all(one(), one());
    if (kind == "when_any") [[maybe_unused]]
        const auto a = cadre::when_any(one(), one());
    if (kind == "timeout") [[maybe_unused]]
        const auto a = cadre::timeout(1s, one());
    if (kind == "join") [[maybe_unused]]
        const auto a = scope.join();
    if (kind == "yield") [[maybe_unused]]
        const auto a = cadre::yield();
    if (kind == "name") [[maybe_unused]]
        const auto a = cadre::this_task::name();
    if (kind == "next") [[maybe_unused]]
        const auto a = stream.next();
    co_return;
}

task<> await_all(cadre::executor ex) {
    const cadre::async_mutex mutex{ex};
    {
        const auto held = co_await mutex.lock();
    }
    const cadre::async_semaphore semaphore{ex, 1};
    {
        const auto permit = co_await semaphore.acquire();
    }
    const cadre::channel<int> channel{ex, 1};
    co_await channel.send(1);
    (void)co_await channel.receive();
    (void)channel.try_send(2);
    (void)channel.try_receive();
    (void)co_await cadre::when_all(one(), one(), channel.send(3), cadre::sleep_for(1ms));
    (void)co_await cadre::when_any(one(), cadre::sleep_for(1h));
    (void)co_await cadre::timeout(1h, cadre::when_all(one(), one()));
    (void)co_await cadre::as_outcome(cadre::timeout(1ms, cadre::sleep_for(1h)));
    co_await cadre::shield(cadre::yield());
    std::vector<task<int>> many;
    many.push_back(one());
    (void)co_await cadre::when_all(std::move(many));
    auto stream = ones();
    while (co_await stream.next()) {
    }
    cadre::scope scope;
    scope.spawn(cadre::sleep_for(1ms));
    co_await scope.join();
    (void)co_await cadre::this_task::name();
    const task<int> unstarted = one();  // a task may be destroyed unstarted
}

}  // namespace

int main(int argc, char** argv) {
    const cadre::serial_executor ex;
    const std::string kind = argc > 1 ? argv[1] : "none";
    if (kind != "none") {
        cadre::sync_wait(forget(ex, kind));
        return 0;
    }
    cadre::sync_wait(await_all(ex));
    std::puts("done");
}
