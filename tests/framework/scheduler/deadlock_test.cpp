// A program in which everything waits ends with a report, and its frames are unwound.

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

namespace {

cadre::serial_executor test_loop() {
    return cadre::serial_executor{{.clock = cadre::clock_kind::virtual_time, .seed = 1}};
}

// A live frame; `count` is zero when all have been destroyed.
struct local {
    explicit local(int& c) : count(c) { ++count; }
    local(const local&) = delete;
    local& operator=(const local&) = delete;
    ~local() { --count; }
    int& count;
};

int live = 0;

cadre::task<> consumer_of_nothing(cadre::channel<int> items) {
    const local here(live);
    while (auto item = co_await items.receive()) {
    }
}

cadre::task<> producer_without_consumer(cadre::channel<int> items) {
    const local here(live);
    for (int i = 0; i < 3; ++i)
        co_await items.send(i);
}

cadre::task<> takes_two_locks(cadre::async_mutex first, cadre::async_mutex second) {
    const local here(live);
    auto a = co_await first.lock();
    co_await cadre::sleep_for(1s);
    auto b = co_await second.lock();
}

template <class F>
std::string report_of(F f) {
    try {
        cadre::sync_wait(cadre::on(test_loop(), f));
    } catch (const cadre::deadlock& e) {
        return e.what();
    }
    return "no deadlock";
}

#define EXPECT_NAMES(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

}  // namespace

TEST(deadlock, a_forgotten_close_is_named) {
    const std::string text = report_of([]() -> cadre::task<> {
        const cadre::executor self = co_await cadre::this_task::executor();
        cadre::channel<int> items{self, 4};
        cadre::scope s;
        s.spawn(consumer_of_nothing(items));
        co_await items.send(1);
        co_await s.join();
    });
    EXPECT_NAMES(text, "waits for a message from a channel (receive)");
    EXPECT_NAMES(text, "consumer_of_nothing");
    EXPECT_NAMES(text, "a task of the scope made at ");
    EXPECT_NAMES(text, "deadlock_test.cpp:");
    EXPECT_NAMES(text, "waits for the tasks of a scope (join)");
    EXPECT_NAMES(text, "'main'");
    EXPECT_EQ(live, 0);
}

TEST(deadlock, a_full_channel_is_named) {
    const std::string text = report_of([]() -> cadre::task<> {
        const cadre::executor self = co_await cadre::this_task::executor();
        cadre::channel<int> items{self, 1};
        co_await producer_without_consumer(items);
    });
    EXPECT_NAMES(text, "waits for room in a channel (send)");
    EXPECT_NAMES(text, "producer_without_consumer");
    EXPECT_EQ(live, 0);
}

TEST(deadlock, locks_taken_in_two_orders) {
    const std::string text = report_of([]() -> cadre::task<> {
        const cadre::executor self = co_await cadre::this_task::executor();
        cadre::async_mutex a{self};
        cadre::async_mutex b{self};
        co_await cadre::when_all(takes_two_locks(a, b), takes_two_locks(b, a));
    });
    EXPECT_NAMES(text, "waits for a lock");
    EXPECT_NAMES(text, "takes_two_locks");
    EXPECT_NAMES(text, "awaited by");
    EXPECT_EQ(live, 0);
}

TEST(deadlock, every_kind_of_wait_has_a_name) {
    const auto waits = [](auto make) {
        return report_of([make]() -> cadre::task<> {
            const cadre::executor self = co_await cadre::this_task::executor();
            co_await make(self);
        });
    };
    EXPECT_NAMES(waits([](cadre::executor ex) -> cadre::task<> { co_await cadre::async_event{ex}.wait(); }),
                 "an event");
    EXPECT_NAMES(waits([](cadre::executor ex) -> cadre::task<> { co_await cadre::async_latch{ex, 1}.wait(); }),
                 "a latch");
    EXPECT_NAMES(
        waits([](cadre::executor ex) -> cadre::task<> { co_await cadre::async_latch{ex, 2}.arrive_and_wait(); }),
        "a latch");
    EXPECT_NAMES(
        waits([](cadre::executor ex) -> cadre::task<> { co_await cadre::async_barrier{ex, 2}.arrive_and_wait(); }),
        "the others at a barrier");
    EXPECT_NAMES(waits([](cadre::executor ex) -> cadre::task<> {
                     cadre::async_semaphore none{ex, 0};
                     auto permit = co_await none.acquire();
                 }),
                 "permits of a semaphore");
    EXPECT_NAMES(waits([](cadre::executor ex) -> cadre::task<> {
                     cadre::channel<int> a{ex, 1};
                     cadre::channel<int> b{ex, 1};
                     co_await cadre::select(a.receive(), b.receive());
                 }),
                 "one of several operations (select)");
    EXPECT_NAMES(waits([](cadre::executor ex) -> cadre::task<> {
                     auto job = cadre::spawn(
                         ex, [](cadre::executor e) -> cadre::task<> { co_await cadre::async_event{e}.wait(); }, ex);
                     co_await std::move(job);
                 }),
                 "a job");
}

// Stop is requested of what a shield protects, too: nothing else can end its wait.
TEST(deadlock, a_shielded_wait_is_unwound) {
    const std::string text = report_of([]() -> cadre::task<> {
        const cadre::executor self = co_await cadre::this_task::executor();
        cadre::channel<int> items{self, 1};
        co_await cadre::shield(consumer_of_nothing(items));
    });
    EXPECT_NAMES(text, "consumer_of_nothing");
    EXPECT_EQ(live, 0);
}

TEST(deadlock, a_program_that_catches_the_stop_still_ends_with_the_report) {
    const std::string text = report_of([]() -> cadre::task<> {
        const cadre::executor self = co_await cadre::this_task::executor();
        cadre::channel<int> items{self, 1};
        auto ended = co_await cadre::as_outcome(consumer_of_nothing(items));
        EXPECT_FALSE(ended);
    });
    EXPECT_NAMES(text, "consumer_of_nothing");
}

TEST(deadlock, the_main_task_itself) {
    const auto forever = [](cadre::executor ex) -> cadre::task<> { co_await cadre::async_event{ex}.wait(); };
    cadre::config c;
    c.executor = "serial:virtual";
    cadre::runtime rt(c);
    try {
        rt.run(forever(rt.executor()));
        FAIL();
    } catch (const cadre::deadlock& e) {
        const std::string text = e.what();
        EXPECT_NAMES(text, "task #");
        EXPECT_NAMES(text, "'main'");
        EXPECT_NAMES(text, "started at ");
        EXPECT_NAMES(text, "deadlock_test.cpp:");
    }
}

// Not a deadlock: somebody can still wake the task.
TEST(deadlock, waits_that_end_are_none) {
    EXPECT_EQ(report_of([]() -> cadre::task<> {
                  const cadre::executor self = co_await cadre::this_task::executor();
                  cadre::async_event event{self};
                  cadre::thread_executor pool{{.workers = 1}};
                  auto job = cadre::spawn(pool, [event] {
                      std::this_thread::sleep_for(30ms);
                      event.set();
                  });
                  co_await event.wait();
                  co_await std::move(job);
                  co_await cadre::run_blocking([] { std::this_thread::sleep_for(10ms); });
                  cadre::async_event later{self};
                  cadre::scope s;
                  s.spawn([later]() -> cadre::task<> {
                      co_await cadre::sleep_for(100h);
                      later.set();
                  });
                  co_await later.wait();
                  co_await s.join();
              }),
              "no deadlock");
}

// Another library may resume the task at any time.
TEST(deadlock, a_wait_of_another_library_is_none) {
    struct from_a_thread {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) {
            thread = std::thread([h] {
                std::this_thread::sleep_for(30ms);
                h.resume();
            });
        }
        void await_resume() { thread.join(); }
        std::thread thread{};
    };
    EXPECT_EQ(report_of([]() -> cadre::task<> {
                  from_a_thread other;
                  co_await other;
              }),
              "no deadlock");
}
