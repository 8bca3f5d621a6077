// What the tests of channels, cells and locks share: executors to make them for, and threads that wait for tasks.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/when_all.hpp>

namespace state_test {

inline cadre::executor local() { return cadre::executor(cadre::detail::run_loop::make("state test")); }

/// Of an executor that has no work.
inline void shut_down(const cadre::executor& ex) {
    bool ended = false;
    ex.backend()->shutdown(std::chrono::steady_clock::now(), [&] { ended = true; });
    EXPECT_TRUE(ended);
}

class backend_without_domain final : public cadre::executor_backend {
public:
    cadre::executor_kind kind() const noexcept override { return cadre::executor_kind::custom; }
    std::size_t concurrency() const noexcept override { return 1; }
    std::string name() const override { return "bare"; }
    cadre::detail::memory_domain* domain() noexcept override { return nullptr; }
    using cadre::executor_backend::submit;
    void submit(std::span<cadre::work_item* const> items) noexcept override {
        for (cadre::work_item* item : items)
            item->run(item);
    }
};

inline cadre::executor without_domain() { return cadre::executor(std::make_shared<backend_without_domain>()); }

/// Runs `wait` and a stop request for it. @return whether `wait` was cancelled
inline cadre::task<bool> stopped_meanwhile(cadre::task<> wait) {
    std::stop_source stop;
    auto request = [](std::stop_source& s) -> cadre::task<> {
        s.request_stop();
        co_return;
    };
    try {
        (void)co_await cadre::when_all(cadre::with_stop(stop.get_token(), std::move(wait)), request(stop));
    } catch (const cadre::cancelled&) {
        co_return true;
    }
    co_return false;
}

/// Runs `f(index)`, a coroutine function, to its end on each of `count` threads at the same time.
template <class F>
void on_threads(unsigned count, F f) {
    std::atomic<unsigned> ready{0};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < count; ++i)
        threads.emplace_back([&, i] {
            ready.fetch_add(1);
            while (ready.load() != count)
                std::this_thread::yield();
            cadre::sync_wait(f(i));
        });
    for (std::thread& t : threads)
        t.join();
}

}  // namespace state_test
