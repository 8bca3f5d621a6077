// A task without a coroutine is refused wherever it is awaited: default-constructed, moved from, or awaited before.
#include <chrono>
#include <functional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/call.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>
#include <cadre/when_any.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::sync_wait;
using cadre::task;

task<int> answer() { co_return 42; }

template <class F>
void expect_refused(F await) {
    try {
        sync_wait(await());
        ADD_FAILURE() << "an empty task was awaited";
    } catch (const std::logic_error& e) {
        EXPECT_TRUE(std::string(e.what()).starts_with("this cadre::task holds no coroutine: ")) << e.what();
    }
}

task<> await_it(task<int> t) { co_await std::move(t); }

TEST(empty_task, is_refused_by_co_await_in_each_state) {
    expect_refused([] { return await_it({}); });
    expect_refused([]() -> task<> {
        task<int> t = answer();
        const task<int> other = std::move(t);
        co_await std::move(t);  // NOLINT(bugprone-use-after-move): that is the mistake
    });
    expect_refused([]() -> task<> {
        task<int> t = answer();
        EXPECT_EQ(co_await std::move(t), 42);
        co_await std::move(t);  // NOLINT(bugprone-use-after-move)
    });
    expect_refused([]() -> task<> { co_await task<>{}; });
    EXPECT_THROW(sync_wait(task<int>{}), std::logic_error);
}

TEST(empty_task, is_refused_by_combinators) {
    expect_refused([]() -> task<> { co_await cadre::when_all(answer(), task<int>{}); });
    expect_refused([]() -> task<> { co_await cadre::when_all(task<>{}); });
    expect_refused([]() -> task<> {
        std::vector<task<int>> all;
        all.push_back(answer());
        all.emplace_back();
        co_await cadre::when_all(std::move(all));
    });
    expect_refused([]() -> task<> {
        std::vector<task<int>> all(3);
        co_await cadre::when_all(all);
    });
    expect_refused([]() -> task<> { co_await cadre::when_any(answer(), task<int>{}); });
    expect_refused([]() -> task<> { co_await cadre::when_any(std::vector<task<int>>(2)); });
    expect_refused([]() -> task<> { co_await cadre::timeout(1s, task<int>{}); });
    expect_refused([]() -> task<> { co_await cadre::shield(task<int>{}); });
    expect_refused([]() -> task<> { co_await cadre::with_stop(std::stop_token{}, task<int>{}); });
    expect_refused([]() -> task<> { (co_await cadre::as_outcome(task<int>{})).value(); });
    expect_refused([]() -> task<> { co_await cadre::call([] { return task<int>{}; }); });
}

TEST(empty_task, is_refused_by_a_scope) {
    expect_refused([]() -> task<> {
        cadre::scope s;
        EXPECT_THROW(s.spawn(task<>{}), std::logic_error);
        s.spawn(task<int>{});
        co_await s.join();
    });
    expect_refused([]() -> task<> { co_await cadre::with_scope([](cadre::scope&) { return task<int>{}; }); });
}

TEST(empty_task, of_a_function_is_refused_by_on_and_spawn) {
    const cadre::serial_executor ex;
    const auto nothing = [] { return task<int>{}; };
    expect_refused([&]() -> task<> { co_await cadre::on(ex, nothing); });
    expect_refused([&]() -> task<> { co_await cadre::spawn(ex, nothing); });
    expect_refused([&]() -> task<> { co_await cadre::on(cadre::executor(ex), nothing); });
}

TEST(empty_job, has_no_work) {
    cadre::serial_executor ex;
    cadre::job<int> moved_from = cadre::spawn(ex, [] { return 1; });
    const cadre::job<int> other = std::move(moved_from);
    const cadre::job<int> none;
    for (const cadre::job<int>* j : {&none, &std::as_const(moved_from)}) {  // NOLINT(bugprone-use-after-move)
        j->request_stop();
        j->kill();
        EXPECT_FALSE(j->ready());
        EXPECT_EQ(j->id(), cadre::task_id{});
        EXPECT_EQ(j->worker_pid(), 0);
        EXPECT_EQ(j->worker_host(), "");
    }
    EXPECT_NE(other.id(), cadre::task_id{});
}

TEST(empty_job, is_refused) {
    const cadre::serial_executor ex;
    const auto one = [] { return 1; };
    EXPECT_THROW(sync_wait([]() -> task<> { co_await cadre::job<int>{}; }()), std::logic_error);
    const auto twice = [&]() -> task<> {
        auto j = cadre::spawn(ex, one);
        EXPECT_EQ(co_await j, 1);
        co_await j;
    };
    EXPECT_THROW(sync_wait(twice()), std::logic_error);
    const auto all = [&]() -> task<> { co_await cadre::when_all(cadre::spawn(ex, one), cadre::job<int>{}); };
    EXPECT_THROW(sync_wait(all()), std::logic_error);
    const auto limited = []() -> task<> { co_await cadre::timeout(1s, cadre::job<int>{}); };
    EXPECT_THROW(sync_wait(limited()), std::logic_error);
    const auto in_scope = []() -> task<> {
        cadre::scope s;
        s.spawn(cadre::job<int>{});
        co_await s.join();
    };
    EXPECT_THROW(sync_wait(in_scope()), std::logic_error);
}

// References: the object itself arrives.

task<int&> refer_to(int& x) { co_return x; }
task<int&> refer_by_wrapper(int& x) { co_return std::ref(x); }
task<const std::string&> refer_const(std::string& s) { co_return std::cref(s); }

TEST(task_of_a_reference, refers_to_the_object) {
    int x = 1;
    int y = 2;
    std::string s = "text";
    static_assert(std::is_same_v<decltype(sync_wait(refer_to(x))), int&>);
    EXPECT_EQ(&sync_wait(refer_to(x)), &x);
    EXPECT_EQ(&sync_wait(refer_by_wrapper(x)), &x);
    EXPECT_EQ(&sync_wait(refer_const(s)), &s);
    const auto all = [&]() -> task<> {
        auto&& [a, b] = co_await cadre::when_all(refer_to(x), refer_by_wrapper(y));
        EXPECT_EQ(&a, &x);
        EXPECT_EQ(&b, &y);
        std::vector<task<int&>> many;
        many.push_back(refer_to(x));
        many.push_back(refer_to(y));
        const auto found = co_await cadre::when_all(std::move(many));
        EXPECT_EQ(&found.at(0).get(), &x);
        EXPECT_EQ(&found.at(1).get(), &y);
        auto any = co_await cadre::when_any(refer_to(x));
        EXPECT_EQ(&get<0>(any).get(), &x);
        std::vector<task<int&>> rest;
        rest.push_back(refer_to(y));
        auto element = co_await cadre::when_any(std::move(rest));
        EXPECT_EQ(&element.value().get(), &y);
        EXPECT_EQ(&(co_await cadre::timeout(1h, refer_to(x))), &x);
        EXPECT_EQ((co_await cadre::as_outcome(refer_to(y))).value(), 2);
        cadre::scope scope;
        scope.spawn(refer_to(x));
        co_await scope.join();
    };
    sync_wait(all());
}

}  // namespace
