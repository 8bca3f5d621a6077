// A task that waits for a lock that it holds itself; compiled without NDEBUG.

#include <cadre/cadre.hpp>

#include <cstdio>
#include <optional>
#include <stdexcept>
#include <utility>

namespace {

using cadre::task;

/// Whether a second `lock()` beside a guard is an error, at once.
template <class Lock>
task<bool> waits_for_itself(Lock lock) {
    auto guard = co_await lock();
    bool refused = false;
    try {
        (void)co_await lock();
    } catch (const std::logic_error&) {
        refused = true;
    }
    guard.unlock();
    (void)co_await lock();
    co_return refused;
}

/// A lock that another task may release is awaited.
task<bool> waits_for_another_task(cadre::async_mutex m) {
    std::optional<cadre::async_mutex::guard> elsewhere;
    {
        auto guard = co_await m.lock();
        elsewhere.emplace(std::move(guard));
    }
    auto unlock = [&]() -> task<int> {
        co_await cadre::yield();
        elsewhere.reset();
        co_return 0;
    };
    auto lock = [&]() -> task<int> {
        auto guard = co_await m.lock();
        co_return 0;
    };
    (void)co_await cadre::when_all(lock(), unlock());
    auto guard = co_await m.lock();
    co_return true;
}

task<int> app(cadre::executor ex) {
    const cadre::async_mutex mutex{ex};
    const cadre::async_shared_mutex shared{ex};
    const cadre::shared_value<int> value{ex, 1};
    const bool all = co_await waits_for_itself([&] { return mutex.lock(); }) &&
                     co_await waits_for_itself([&] { return shared.lock(); }) &&
                     co_await waits_for_itself([&] { return value.lock(); }) && co_await waits_for_another_task(mutex);
    (void)co_await value.get();
    (void)co_await value.get();
    std::puts(all ? "done" : "waited");
    co_return all ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return cadre::run_main(argc, argv, app); }
