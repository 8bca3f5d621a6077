// resume_on: the coroutine continues and resumes on another executor; its awaiter resumes at home.
#include <cadre/resume_on.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <tuple>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/this_task.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>
#include <cadre/when_any.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::sync_wait;
using cadre::task;
using cadre::thread_executor;

std::thread::id here() { return std::this_thread::get_id(); }

class resume_on : public ::testing::Test {
protected:
    thread_executor a_{{.workers = 1}};
    thread_executor b_{{.workers = 1}};
    std::thread::id thread_a_ = sync_wait(cadre::on(a_, here));
    std::thread::id thread_b_ = sync_wait(cadre::on(b_, here));

    task<> expect_at_a() {
        EXPECT_EQ(here(), thread_a_);
        co_await cadre::yield();
        EXPECT_EQ(here(), thread_a_);
        EXPECT_EQ(co_await cadre::this_task::executor(), a_.handle());
    }
};

TEST_F(resume_on, the_coroutine_continues_and_resumes_there_and_its_awaiter_at_home) {
    const auto moving = [&]() -> task<int> {
        EXPECT_NE(here(), thread_a_);
        const auto id = co_await cadre::this_task::id();
        co_await cadre::resume_on(a_);
        EXPECT_EQ(here(), thread_a_);
        co_await cadre::sleep_for(1ms);
        EXPECT_EQ(here(), thread_a_);
        EXPECT_EQ(co_await cadre::this_task::executor(), a_.handle());
        EXPECT_EQ(co_await cadre::this_task::id(), id);
        EXPECT_EQ(co_await cadre::on(b_, here), thread_b_);
        EXPECT_EQ(here(), thread_a_);
        co_await expect_at_a();
        co_return 3;
    };
    const auto body = [&]() -> task<> {
        const auto home = here();
        EXPECT_EQ(co_await moving(), 3);
        EXPECT_EQ(here(), home);
        co_await cadre::yield();
        EXPECT_EQ(here(), home);
    };
    sync_wait(body());
}

TEST_F(resume_on, its_errors_arrive_at_home) {
    const auto failing = [&]() -> task<> {
        co_await cadre::resume_on(a_);
        throw std::domain_error("moved");
    };
    const auto body = [&]() -> task<> {
        const auto home = here();
        const auto o = co_await cadre::as_outcome(failing());
        EXPECT_THROW(o.value(), std::domain_error);
        EXPECT_EQ(here(), home);
        const auto sleeping = [&]() -> task<> { co_await cadre::sleep_for(1h); };
        const auto both = [&]() -> task<> { co_await cadre::when_all(sleeping(), failing(), sleeping()); };
        const auto all = co_await cadre::as_outcome(both());
        EXPECT_THROW(all.value(), std::domain_error);
        EXPECT_EQ(here(), home);
    };
    sync_wait(body());
}

TEST_F(resume_on, children_of_combinators_may_move) {
    const auto moving = [&](thread_executor to, int value) -> task<int> {
        co_await cadre::resume_on(to);
        co_await cadre::yield();
        co_return value;
    };
    const auto body = [&]() -> task<> {
        const auto home = here();
        for (int i = 0; i < 200; ++i) {
            const auto [x, y, z] = co_await cadre::when_all(moving(a_, 1), moving(b_, 2), moving(a_, 3));
            EXPECT_EQ(x + y + z, 6);
            EXPECT_EQ(here(), home);
            const auto first = co_await cadre::when_any(moving(a_, 1), cadre::sleep_for(1h));
            EXPECT_EQ(first.index(), 0u);
            const int limited = co_await cadre::timeout(1h, moving(b_, 5));
            EXPECT_EQ(limited, 5);
            EXPECT_EQ(here(), home);
            cadre::scope s;
            s.spawn(moving(a_, 1));
            s.spawn(moving(b_, 1));
            co_await s.join();
            EXPECT_EQ(here(), home);
        }
    };
    sync_wait(body());
    const auto in_pool = [&]() -> task<int> {
        const auto [x, y] = co_await cadre::when_all(moving(b_, 1), moving(b_, 2));
        EXPECT_EQ(here(), thread_a_);
        co_return x + y;
    };
    EXPECT_EQ(sync_wait(cadre::on(a_, in_pool)), 3);
}

TEST_F(resume_on, moves_any_number_of_times_and_back) {
    const auto body = [&]() -> task<> {
        const cadre::serial_executor loop;
        const auto home = here();
        const auto walk = [&]() -> task<> {
            for (int i = 0; i < 1000; ++i) {
                co_await cadre::resume_on(a_);
                co_await cadre::resume_on(a_);
                EXPECT_EQ(here(), thread_a_);
                co_await cadre::resume_on(b_);
                EXPECT_EQ(here(), thread_b_);
            }
            co_await cadre::resume_on(loop);
            EXPECT_EQ(here(), home);  // the thread in sync_wait drives it
            co_await cadre::yield();
        };
        co_await walk();
        EXPECT_EQ(here(), home);
        const auto back = [&]() -> task<> {
            co_await cadre::resume_on(b_);
            co_await cadre::resume_on(a_);
            co_await expect_at_a();
        };
        co_await cadre::on(a_, back);
    };
    sync_wait(body());
}

TEST_F(resume_on, stop_reaches_the_coroutine_there) {
    const auto moving = [&]() -> task<> {
        co_await cadre::resume_on(a_);
        co_await cadre::sleep_for(1h);
    };
    EXPECT_THROW(sync_wait(cadre::timeout(2ms, moving())), cadre::timed_out);
}

TEST_F(resume_on, a_scope_keeps_its_home) {
    const auto body = [&]() -> task<> {
        const auto home = here();
        const auto moving = [&]() -> task<> {
            cadre::scope s;
            co_await cadre::resume_on(a_);
            std::thread::id child;
            s.spawn([&]() -> task<> {
                child = here();
                co_return;
            });
            co_await s.join();
            EXPECT_EQ(child, home);
            EXPECT_EQ(here(), thread_a_);
        };
        co_await moving();
    };
    sync_wait(body());
}

TEST_F(resume_on, the_executor_counts_it_as_its_work) {
    const auto body = [&]() -> task<> {
        bool ended = false;
        const auto moving = [&]() -> task<> {
            co_await cadre::resume_on(a_);
            const auto slept = co_await cadre::as_outcome(cadre::sleep_for(1h));
            EXPECT_THROW(slept.value(), cadre::cancelled);
            ended = true;
            EXPECT_EQ(here(), thread_a_);
        };
        const auto shut_down = [&]() -> task<> {
            co_await cadre::sleep_for(2ms);
            co_await a_.shutdown(0s);
            EXPECT_TRUE(ended);
        };
        co_await cadre::when_all(moving(), shut_down());
        const auto late = [&]() -> task<> {
            const auto home = here();
            const auto o = co_await cadre::as_outcome(cadre::resume_on(b_));
            EXPECT_TRUE(o);
            EXPECT_EQ(here(), home);  // `as_outcome` is the coroutine that moved
            try {
                co_await cadre::resume_on(a_);
                ADD_FAILURE();
            } catch (const cadre::executor_stopped&) {
                EXPECT_EQ(here(), home);
            }
        };
        co_await late();
    };
    sync_wait(body());
}

TEST_F(resume_on, the_coroutine_keeps_the_executor_alive) {
    const auto moving = [&]() -> task<int> {
        std::optional<thread_executor> pool{std::in_place, cadre::thread_options{.workers = 1}};
        co_await cadre::resume_on(*pool);
        const auto there = here();
        pool.reset();
        co_await cadre::yield();
        EXPECT_EQ(here(), there);
        co_return 1;
    };
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(sync_wait(moving()), 1);
}

}  // namespace
