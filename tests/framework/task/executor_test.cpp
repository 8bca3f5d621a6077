#include <cadre/executor.hpp>

#include <chrono>
#include <limits>
#include <memory>

#include <gtest/gtest.h>

#include <cadre/async_event.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/scope.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>

namespace {

using namespace std::chrono_literals;

cadre::executor loop() { return cadre::executor(cadre::detail::run_loop::make("test")); }

TEST(executor, settings_add_to_those_of_the_handle) {
    const cadre::executor ex = loop().with({.name = "resize", .timeout = 2s}).with({.priority = -1000, .retries = 0});
    EXPECT_EQ(ex.options().name, "resize");
    EXPECT_EQ(ex.options().timeout, 2s);
    EXPECT_EQ(ex.options().priority, -1000);
    EXPECT_EQ(ex.options().retries, 0);
}

TEST(executor, senseless_settings_are_refused) {
    const cadre::executor ex = loop();
    EXPECT_THROW((void)ex.with({.timeout = -1ns}), cadre::config_error);
    EXPECT_THROW((void)ex.with({.priority = 1001}), cadre::config_error);
    EXPECT_THROW((void)ex.with({.priority = std::numeric_limits<int>::min()}), cadre::config_error);
    EXPECT_THROW((void)ex.with({.retries = -2}), cadre::config_error);
}

int control_blocks = 0;
template <class T>
struct counting_allocator {
    using value_type = T;
    counting_allocator() = default;
    template <class U>
    explicit counting_allocator(const counting_allocator<U>&) {}
    T* allocate(std::size_t n) {
        ++control_blocks;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* at, std::size_t n) {
        --control_blocks;
        std::allocator<T>().deallocate(at, n);
    }
    friend bool operator==(const counting_allocator&, const counting_allocator&) = default;
};

TEST(executor, the_registry_of_portable_executors_keeps_no_memory_of_ended_ones) {
    const auto backend = cadre::detail::run_loop::make("test");
    const auto begin_and_end_one = [&] {
        const auto owner = std::allocate_shared<int>(counting_allocator<int>(), 0);
        cadre::detail::register_portable_executor(cadre::detail::executor_identity::make(),
                                                  std::shared_ptr<cadre::executor_backend>(owner, backend.get()));
    };
    for (int i = 0; i != 3; ++i)
        begin_and_end_one();
    EXPECT_EQ(control_blocks, 1) << "until the next one begins";
}

cadre::executor temporary() { return loop(); }

TEST(executor, shutdown_of_a_temporary_handle_keeps_the_executor) {
    cadre::task<void> in_time = temporary().shutdown(1s);
    cadre::task<void> unlimited = temporary().shutdown();
    cadre::sync_wait(std::move(in_time));
    cadre::sync_wait(std::move(unlimited));
}

cadre::task<bool> asked_for_stop(cadre::async_event go) {
    co_await go.wait();
    co_return cadre::stop_requested();
}

TEST(executor, the_longest_deadline_of_a_shutdown_is_not_now) {
    const cadre::executor ex = loop();
    const cadre::async_event go{ex};
    auto body = [](cadre::executor target, cadre::async_event gate) -> cadre::task<bool> {
        auto work = cadre::spawn(target, asked_for_stop, gate);
        cadre::scope s;
        s.spawn(target.shutdown(std::chrono::hours::max()));
        co_await cadre::yield();
        gate.set();
        co_await s.join();
        co_return co_await std::move(work);
    };
    EXPECT_FALSE(cadre::sync_wait(body(ex, go)));
}

}  // namespace
