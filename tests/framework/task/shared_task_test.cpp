// shared_task: copies await one run; each gets a reference to its result; it is stopped when all waiters have been
// stopped.
#include <cadre/shared_task.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/call.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
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

namespace {

using namespace std::chrono_literals;
using cadre::shared_task;
using cadre::sync_wait;
using cadre::task;

task<int> counted(int& runs) {
    ++runs;
    co_await cadre::yield();
    co_return 7;
}

TEST(shared_task, nothing_runs_before_the_first_await) {
    int runs = 0;
    const shared_task<int> s = counted(runs);
    const shared_task<int> copy = s;
    EXPECT_EQ(runs, 0);
    EXPECT_FALSE(s.ready());
    EXPECT_EQ(sync_wait(copy), 7);
    EXPECT_EQ(runs, 1);
    EXPECT_TRUE(s.ready());
}

TEST(shared_task, copies_await_one_run_and_get_one_object) {
    int runs = 0;
    const auto body = [&]() -> task<> {
        const shared_task<int> s = counted(runs);
        const auto address = [](shared_task<int> copy) -> task<const int*> { co_return &co_await copy; };
        const auto [a, b, c] = co_await cadre::when_all(address(s), address(s), address(s));
        EXPECT_EQ(a, b);
        EXPECT_EQ(b, c);
        EXPECT_EQ(*a, 7);
        const int* const later = co_await address(s);
        EXPECT_EQ(later, a);
    };
    sync_wait(body());
    EXPECT_EQ(runs, 1);
}

TEST(shared_task, an_unstarted_one_frees_what_it_owns) {
    const auto token = std::make_shared<int>(0);
    {
        const auto body = [](std::shared_ptr<int> held) -> task<int> { co_return *held; };
        const shared_task<int> s = body(token);
        EXPECT_EQ(token.use_count(), 2);
    }
    EXPECT_EQ(token.use_count(), 1);
}

TEST(shared_task, its_arguments_live_as_long_as_the_run_and_its_result_as_long_as_a_copy) {
    const auto argument = std::make_shared<int>(5);
    const auto body = [](std::shared_ptr<int> held) -> task<std::shared_ptr<int>> {
        co_return std::make_shared<int>(*held);
    };
    std::weak_ptr<int> result;
    {
        const shared_task<std::shared_ptr<int>> s = body(argument);
        result = sync_wait(s);
        EXPECT_EQ(argument.use_count(), 1);
        EXPECT_FALSE(result.expired());
    }
    EXPECT_TRUE(result.expired());
}

TEST(shared_task, may_be_the_return_type_of_a_coroutine) {
    const auto text = [](int n) -> shared_task<std::string> {
        co_return std::string(static_cast<std::size_t>(n), 'x');
    };
    const shared_task<std::string> s = text(3);
    EXPECT_EQ(sync_wait(s), "xxx");
}

TEST(shared_task, of_void_and_of_references) {
    int runs = 0;
    int object = 0;
    const auto nothing = [&]() -> shared_task<> {
        ++runs;
        co_return;
    };
    const auto reference = [&]() -> shared_task<int&> { co_return object; };
    const auto v = nothing();
    sync_wait(v);
    sync_wait(v);
    EXPECT_EQ(runs, 1);
    const auto r = reference();
    static_assert(std::is_same_v<decltype(sync_wait(r)), int&>);
    EXPECT_EQ(&sync_wait(r), &object);
}

TEST(shared_task, its_result_may_be_move_only) {
    const auto body = []() -> shared_task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    const auto s = body();
    EXPECT_EQ(*sync_wait(s), 3);
    EXPECT_EQ(*sync_wait(s), 3);
}

TEST(shared_task, every_await_rethrows_the_exception) {
    int runs = 0;
    const auto body = [&]() -> shared_task<int> {
        ++runs;
        co_await cadre::yield();
        throw std::domain_error("body");
    };
    const auto s = body();
    EXPECT_THROW((void)sync_wait(s), std::domain_error);
    EXPECT_THROW((void)sync_wait(s), std::domain_error);
    EXPECT_EQ(runs, 1);
}

TEST(shared_task, an_empty_one_is_refused) {
    const shared_task<int> none;
    EXPECT_FALSE(none);
    EXPECT_FALSE(none.ready());
    const auto body = [&]() -> task<int> { co_return co_await none; };
    EXPECT_THROW((void)sync_wait(body()), std::logic_error);
    EXPECT_THROW((void)shared_task<int>(task<int>{}), std::logic_error);
}

TEST(shared_task, copies_are_equal) {
    int runs = 0;
    const shared_task<int> a = counted(runs);
    const shared_task<int> b = a;
    const shared_task<int> c = counted(runs);
    EXPECT_EQ(a, b);
    EXPECT_NE(a, c);
}

TEST(shared_task, waiters_resume_in_their_order) {
    std::vector<int> order;
    const auto body = [&]() -> task<> {
        const auto slow = []() -> shared_task<> { co_await cadre::sleep_for(1ms); };
        const auto s = slow();
        const auto wait = [&](int i) -> task<> {
            co_await s;
            order.push_back(i);
        };
        cadre::scope all;
        for (int i = 0; i < 4; ++i)
            all.spawn(wait, i);
        co_await all.join();
    };
    sync_wait(body());
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3}));
}

TEST(shared_task, a_stopped_waiter_leaves_at_once_while_another_waits) {
    const auto body = []() -> task<> {
        const cadre::channel<int> gate(co_await cadre::this_task::executor(), 1);
        const auto take = [](cadre::channel<int> from) -> shared_task<int> { co_return *co_await from.receive(); };
        const auto s = take(gate);
        const auto limited = [&]() -> task<> {
            const auto o = co_await cadre::as_outcome(cadre::timeout(1ms, s));
            EXPECT_THROW((void)o.value(), cadre::timed_out);
            co_await gate.send(4);
        };
        const auto [value, none] = co_await cadre::when_all(cadre::as_outcome(s), limited());
        EXPECT_EQ(value.value(), 4);
    };
    sync_wait(body());
}

TEST(shared_task, it_is_stopped_when_all_who_wait_have_been_stopped) {
    bool ended = false;
    const auto body = [&]() -> task<> {
        const auto endless = [&]() -> shared_task<> {
            const auto slept = co_await cadre::as_outcome(cadre::sleep_for(1h));
            co_await cadre::shield(cadre::sleep_for(2ms));
            ended = true;
            slept.value();
        };
        const auto s = endless();
        std::stop_source first;
        std::stop_source second;
        const auto wait = [&](const std::stop_source& source, bool is_last) -> task<> {
            const auto o = co_await cadre::as_outcome(cadre::with_stop(source.get_token(), s));
            EXPECT_THROW(o.value(), cadre::cancelled);
            EXPECT_EQ(ended, is_last);  // the last one ends with the run
        };
        const auto stop = [&]() -> task<> {
            co_await cadre::yield();
            first.request_stop();
            co_await cadre::sleep_for(5ms);
            EXPECT_FALSE(ended);
            second.request_stop();
        };
        co_await cadre::when_all(wait(first, false), wait(second, true), stop());
        const auto later = co_await cadre::as_outcome(s);  // there is one run
        EXPECT_THROW(later.value(), cadre::cancelled);
    };
    sync_wait(body());
}

TEST(shared_task, a_task_that_is_stopped_already_does_not_start_it) {
    int runs = 0;
    const shared_task<int> s = counted(runs);
    std::stop_source stopped;
    stopped.request_stop();
    const auto body = [&]() -> task<> {
        const auto o = co_await cadre::as_outcome(cadre::with_stop(stopped.get_token(), s));
        EXPECT_THROW((void)o.value(), cadre::cancelled);
        EXPECT_EQ(runs, 0);
        EXPECT_EQ(co_await s, 7);
        EXPECT_EQ(co_await cadre::with_stop(stopped.get_token(), s), 7);  // a complete result is not lost
    };
    sync_wait(body());
}

TEST(shared_task, runs_at_the_home_and_with_the_identity_of_the_first_waiter) {
    const cadre::thread_executor pool{{.workers = 1}};
    const auto body = [&]() -> task<> {
        const auto where = []() -> shared_task<cadre::executor> { co_return co_await cadre::this_task::executor(); };
        const auto s = where();
        const auto ask = [&]() -> task<cadre::executor> { co_return co_await s; };
        const auto first = co_await cadre::on(pool, ask);
        EXPECT_EQ(first, pool.handle());
        const auto second = co_await ask();
        EXPECT_EQ(second, pool.handle());
    };
    sync_wait(body());
}

TEST(shared_task, many_threads_await_and_stop_it) {
    const cadre::thread_executor pool{{.workers = 4}};
    std::atomic<int> runs{0};
    std::atomic<int> results{0};
    const auto round = [&](int i) -> task<> {
        const auto value = [&](int n) -> shared_task<int> {
            ++runs;
            if (n % 2 == 0) co_await cadre::sleep_for(20us);
            co_return n;
        };
        const auto s = value(i);
        const auto wait = [](shared_task<int> copy, int limit) -> task<int> {
            if (limit % 3 == 0) co_return co_await copy;
            co_return co_await cadre::timeout(std::chrono::microseconds(limit), copy);
        };
        cadre::scope all;
        for (int w = 0; w < 6; ++w)
            all.spawn([&, w]() -> task<> {
                const auto o = co_await cadre::as_outcome(cadre::on(pool, wait, s, w * 5));
                if (o) {
                    EXPECT_EQ(*o, i);
                    ++results;
                }
            });
        co_await all.join();
    };
    const auto body = [&]() -> task<> {
        for (int i = 0; i < 300; ++i)
            co_await round(i);
    };
    sync_wait(body());
    EXPECT_EQ(runs, 300);
    EXPECT_GE(results, 600);
}

TEST(shared_task, many_that_end_at_once_do_not_use_the_stack) {
    const auto one = []() -> shared_task<int> { co_return 1; };
    const auto body = [one]() -> task<int> {
        int sum = 0;
        for (int i = 0; i < 1'000'000; ++i)
            sum += co_await one();
        co_return sum;
    };
    EXPECT_EQ(sync_wait(body()), 1'000'000);
}

TEST(shared_task, its_result_goes_through_functions_of_the_waiters) {
    const auto body = [](shared_task<int> number, shared_task<> nothing) -> task<std::string> {
        co_await nothing;
        const auto text = [](shared_task<int> n) -> task<std::string> { co_return std::to_string(co_await n); };
        const auto both = co_await cadre::when_all(text(number), text(number));
        co_return std::get<0>(both) + std::get<1>(both);
    };
    int runs = 0;
    const auto nothing = []() -> task<> { co_return; };
    EXPECT_EQ(sync_wait(body(shared_task<int>(counted(runs)), shared_task<>(nothing()))), "77");
    EXPECT_EQ(runs, 1);
}

TEST(shared_task, long_chains_do_not_use_the_stack) {
    const auto next = [](shared_task<int> before) -> task<int> { co_return 1 + co_await before; };
    const auto zero = []() -> shared_task<int> { co_return 0; };
    std::vector<shared_task<int>> chain{zero()};
    for (int i = 0; i < 100'000; ++i)
        chain.emplace_back(next(chain.back()));
    EXPECT_EQ(sync_wait(chain.back()), 100'000);
    while (!chain.empty())
        chain.pop_back();
}

}  // namespace
