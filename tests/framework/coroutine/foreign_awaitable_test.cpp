// Awaitables of other libraries: every way to suspend and to resume, and what the task sees afterwards.
#include <cadre/cadre.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include <cadre/detail/coroutine/await_transform.hpp>
#include <cadre/testing/conformance_foreign.hpp>

namespace {

using namespace std::chrono_literals;
using namespace cadre::conformance::other_library;
using cadre::sync_wait;
using cadre::task;

template <class A>
concept home = cadre::detail::home_awaitable<decltype(cadre::detail::get_awaiter(std::declval<A>()))>;

// Awaitables of this library are awaited as they are.
static_assert(home<task<int>> && home<cadre::job<int>> && home<const cadre::job<int>&>);
static_assert(home<decltype(cadre::sleep_for(1s))> && home<decltype(cadre::yield())>);
static_assert(home<decltype(cadre::when_all(task<int>(), task<>()))>);
static_assert(home<decltype(cadre::when_any(task<int>(), task<>()))>);
static_assert(home<decltype(cadre::timeout(1s, task<int>()))> && home<decltype(cadre::shield(task<int>()))>);
static_assert(home<decltype(std::declval<cadre::scope&>().join())>);
static_assert(home<decltype(std::declval<cadre::stream<int>&>().next())>);
static_assert(home<decltype(std::declval<cadre::channel<int>&>().send(1))>);
static_assert(home<decltype(std::declval<cadre::channel<int>&>().receive())>);
static_assert(home<decltype(std::declval<cadre::async_mutex&>().lock())>);
static_assert(home<decltype(std::declval<cadre::async_semaphore&>().acquire())>);
static_assert(home<decltype(cadre::this_task::stop_token())>);
static_assert(home<decltype(cadre::on(std::declval<cadre::executor>(), [](int x) { return x; }, 1))>);
static_assert(home<decltype(cadre::on(std::declval<cadre::serial_executor&>(), [](int x) { return x; }, 1))>);
static_assert(!home<in_place> && !home<lazy> && !home<std::suspend_never>);

// The shapes of an awaitable.
struct has_member_operator {
    in_place operator co_await() const noexcept { return {}; }
};
struct has_free_operator {};
in_place operator co_await(has_free_operator) noexcept { return {}; }
struct refers_to_its_awaiter {
    in_place awaiter;
    in_place& operator co_await() noexcept { return awaiter; }
};
class not_movable {
public:
    explicit not_movable(int value) noexcept : value_(value) {}
    not_movable(const not_movable&) = delete;
    not_movable& operator=(const not_movable&) = delete;
    ~not_movable() = default;
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    static bool await_suspend(std::coroutine_handle<>) noexcept { return false; }
    [[nodiscard]] int await_resume() const noexcept { return value_; }

private:
    int value_;
};
struct gives_not_movable {
    not_movable operator co_await() const noexcept { return not_movable(5); }
};
struct transfers_back {
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    static std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept { return h; }
    [[nodiscard]] static std::string await_resume() { return "back"; }
};
struct throws_in_suspend {
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    static void await_suspend(std::coroutine_handle<>) { throw std::domain_error("suspend"); }
    static void await_resume() noexcept {}
};
struct throws_in_resume {
    [[nodiscard]] static bool await_ready() noexcept { return true; }
    static void await_suspend(std::coroutine_handle<>) noexcept {}
    static void await_resume() { throw std::domain_error("resume"); }
};
struct gives_a_reference {
    int& value;
    [[nodiscard]] static bool await_ready() noexcept { return true; }
    static void await_suspend(std::coroutine_handle<>) noexcept {}
    [[nodiscard]] int& await_resume() const noexcept { return value; }
};

TEST(foreign_awaitable, every_shape_is_awaited) {
    sync_wait([]() -> task<void> {
        const auto thread = std::this_thread::get_id();
        EXPECT_EQ(co_await has_member_operator(), 3);
        EXPECT_EQ(co_await has_free_operator(), 3);
        refers_to_its_awaiter refers;
        EXPECT_EQ(co_await refers, 3);
        EXPECT_EQ(co_await not_movable(4), 4);
        EXPECT_EQ(co_await gives_not_movable(), 5);
        EXPECT_EQ(co_await transfers_back(), "back");
        EXPECT_THROW(co_await throws_in_suspend(), std::domain_error);
        EXPECT_THROW(co_await throws_in_resume(), std::domain_error);
        int x = 1;
        (co_await gives_a_reference{x}) = 2;
        EXPECT_EQ(x, 2);
        co_await std::suspend_never();
        EXPECT_EQ(std::this_thread::get_id(), thread);
    }());
}

TEST(foreign_awaitable, combinators_take_them) {
    sync_wait([]() -> task<void> {
        const auto thread = std::this_thread::get_id();
        const auto [a, b, c] = co_await cadre::when_all(on_another_thread(1), in_place(), at_once(2));
        EXPECT_EQ(a + b + c, 6);
        EXPECT_EQ(std::this_thread::get_id(), thread);
        EXPECT_EQ(co_await cadre::timeout(10s, on_another_thread(7)), 7);
        cadre::scope s;
        for (int i = 0; i < 10; ++i)
            s.spawn(on_another_thread(i));
        co_await s.join();
        EXPECT_EQ(std::this_thread::get_id(), thread);
    }());
    EXPECT_EQ(sync_wait(on_another_thread(8)), 8);
}

cadre::stream<int> numbers_of_another_library(int n) {
    for (int i = 0; i < n; ++i)
        co_yield co_await on_another_thread(i);
}

TEST(foreign_awaitable, the_body_of_a_stream_is_at_home) {
    sync_wait([]() -> task<void> {
        const auto thread = std::this_thread::get_id();
        auto s = numbers_of_another_library(50);
        int sum = 0;
        while (auto n = co_await s.next()) {
            sum += *n;
            EXPECT_EQ(std::this_thread::get_id(), thread);
        }
        EXPECT_EQ(sum, 49 * 50 / 2);
    }());
}

// An event of another library, which resumes its waiter inside `set`.
class event {
public:
    struct awaiter {
        event& from;
        [[nodiscard]] static bool await_ready() noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) const noexcept { from.waiting_.store(h.address()); }
        static void await_resume() noexcept {}
    };
    awaiter operator co_await() noexcept { return {*this}; }
    void set() { std::coroutine_handle<>::from_address(waiting_.exchange(nullptr)).resume(); }
    [[nodiscard]] bool awaited() const noexcept { return waiting_.load() != nullptr; }

private:
    std::atomic<void*> waiting_{nullptr};
};

TEST(foreign_awaitable, is_not_resumed_inside_another_task) {
    sync_wait([]() -> task<void> {
        event e;
        bool resumed = false;
        const auto waits = [](event& from, bool& flag) -> task<void> {
            co_await from;
            flag = true;
        };
        const auto sets = [](event& to, const bool& flag) -> task<void> {
            while (!to.awaited())
                co_await cadre::yield();
            to.set();
            EXPECT_FALSE(flag);
        };
        co_await cadre::when_all(waits(e, resumed), sets(e, resumed));
        EXPECT_TRUE(resumed);
    }());
}

TEST(foreign_awaitable, stop_callbacks_resume_it) {
    const auto wait = []() -> task<int> {
        co_await until_stopped(co_await cadre::this_task::stop_token());
        co_return 7;
    };
    sync_wait([wait]() -> task<void> {
        for (int round = 0; round < 100; ++round) {
            EXPECT_EQ(co_await cadre::timeout(100us, wait()), 7);
            const auto one = []() -> task<int> {
                co_await cadre::sleep_for(50us);
                co_return 1;
            };
            EXPECT_EQ((co_await cadre::when_any(wait(), one())).index(), 1u);
            cadre::scope s;
            s.spawn(wait());
            s.spawn(wait());
            co_await cadre::yield();
            s.request_stop();
            co_await s.join();
            std::stop_source source;
            std::jthread other([&source] { source.request_stop(); });
            EXPECT_EQ(co_await cadre::with_stop(source.get_token(), wait()), 7);
        }
    }());
}

TEST(foreign_awaitable, races_of_suspend_and_resume_on_a_pool) {
    const cadre::thread_executor pool{{.workers = 3}};
    sync_wait(cadre::on(pool, []() -> task<void> {
        for (int round = 0; round < 100; ++round) {
            cadre::scope s;
            for (int i = 0; i < 4; ++i)
                s.spawn([i]() -> task<void> {
                    const int value = co_await on_another_thread(i);
                    EXPECT_EQ(value, i);
                    EXPECT_FALSE(cadre::stop_requested());
                    (void)co_await on_a_thread();
                    co_await cadre::yield();
                });
            co_await s.join();
        }
    }));
}

// An awaitable of this library inside a coroutine of another one belongs to the task that awaits that coroutine.
lazy sleeps_inside(int value) {
    co_await cadre::sleep_for(100us);
    co_return value;
}

TEST(foreign_awaitable, a_foreign_coroutine_may_await_this_library_at_home) {
    EXPECT_EQ(sync_wait([]() -> task<int> { co_return co_await sleeps_inside(9); }()), 9);
}

}  // namespace
