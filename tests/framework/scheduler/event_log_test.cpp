#include "scheduler/event_log.hpp"

#include <cadre/executor_backend.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using cadre::log_event;
using cadre::set_log_handler;
namespace events = cadre::log_events;
namespace event_log = cadre::detail::event_log;

void post(std::size_t n) { event_log::post("ex", events::worker_left{{n, 1}}); }
std::size_t number_of(const log_event& e) { return std::get<events::worker_left>(e.what).worker.index; }

TEST(event_log, without_a_handler_nothing_is_wanted) {
    EXPECT_FALSE(event_log::wanted());
    post(1);
    std::vector<std::size_t> seen;
    set_log_handler([&](const log_event& e) { seen.push_back(number_of(e)); });
    EXPECT_TRUE(event_log::wanted());
    set_log_handler({});
    EXPECT_FALSE(event_log::wanted());
    EXPECT_TRUE(seen.empty());
}

TEST(event_log, all_events_arrive_in_order_on_another_thread) {
    std::vector<std::size_t> seen;
    std::thread::id where;
    set_log_handler([&](const log_event& e) {
        seen.push_back(number_of(e));
        where = std::this_thread::get_id();
        EXPECT_EQ(e.executor, "ex");
        EXPECT_LE(e.when, std::chrono::system_clock::now());
    });
    for (std::size_t i = 0; i < 100; ++i)
        post(i);
    set_log_handler({});  // waits for them
    ASSERT_EQ(seen.size(), 100u);
    for (std::size_t i = 0; i < 100; ++i)
        EXPECT_EQ(seen[i], i);
    EXPECT_NE(where, std::this_thread::get_id());
}

TEST(event_log, each_event_goes_to_the_handler_that_was_set_when_it_happened) {
    std::vector<std::size_t> first;
    std::vector<std::size_t> second;
    set_log_handler([&](const log_event& e) { first.push_back(number_of(e)); });
    post(1);
    set_log_handler([&](const log_event& e) { second.push_back(number_of(e)); });
    EXPECT_EQ(first, std::vector<std::size_t>{1});
    post(2);
    set_log_handler({});
    EXPECT_EQ(first, std::vector<std::size_t>{1});
    EXPECT_EQ(second, std::vector<std::size_t>{2});
}

TEST(event_log, a_handler_may_set_another_one) {
    std::promise<std::size_t> arrived;
    set_log_handler([&](const log_event&) {
        set_log_handler([&](const log_event& e) { arrived.set_value(number_of(e)); });
        post(2);
    });
    post(1);
    EXPECT_EQ(arrived.get_future().get(), 2u);
    set_log_handler({});
}

TEST(event_log, an_exception_of_the_handler_is_ignored) {
    int calls = 0;
    set_log_handler([&](const log_event&) {
        ++calls;
        throw std::runtime_error("on purpose");
    });
    post(1);
    post(2);
    set_log_handler({});
    EXPECT_EQ(calls, 2);
}

TEST(event_log, a_slow_handler_loses_events_and_is_told_how_many) {
    std::promise<void> begun;
    std::promise<void> go_on;
    std::size_t calls = 0;
    std::uint64_t lost = 0;
    set_log_handler([&](const log_event& e) {
        if (calls++ == 0) {
            begun.set_value();
            go_on.get_future().wait();
        }
        lost += e.lost;
    });
    post(0);
    begun.get_future().wait();
    for (std::size_t i = 0; i < 5000; ++i)
        post(i);
    event_log::flush(0ns);  // does not wait for the handler
    go_on.set_value();
    event_log::flush(10s);
    post(1);  // carries the count
    set_log_handler({});
    EXPECT_EQ(calls, 1u + 4096u + 1u);
    EXPECT_EQ(lost, 5000u - 4096u);
}

TEST(event_log, handlers_may_be_replaced_while_events_arrive) {
    std::atomic<bool> end{false};
    std::vector<std::thread> posting;
    for (int i = 0; i < 2; ++i)
        posting.emplace_back([&] {
            while (!end)
                post(1);
        });
    for (int i = 0; i < 100; ++i) {
        auto count = std::make_unique<std::size_t>(0);
        set_log_handler([n = count.get()](const log_event&) { ++*n; });
        set_log_handler({});
        count.reset();  // nothing uses it any more
    }
    end = true;
    for (std::thread& t : posting)
        t.join();
}

TEST(event_log, an_event_is_completed_by_the_thread_of_the_handler) {
    std::string stack;
    std::thread::id where;
    set_log_handler([&](const log_event& e) { stack = std::get<events::worker_died>(e.what).stack; });
    event_log::post("ex", events::worker_died{}, [&](event_log::event& e) {
        where = std::this_thread::get_id();
        std::get<events::worker_died>(e).stack = "0# f";
    });
    set_log_handler({});
    EXPECT_EQ(stack, "0# f");
    EXPECT_NE(where, std::this_thread::get_id());
}

TEST(event_log, a_fork_has_no_events) {
    set_log_handler([](const log_event&) {});
    const pid_t child = ::fork();
    if (child == 0) ::_exit(event_log::wanted() ? 1 : 0);
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    set_log_handler({});
}

TEST(log_event, in_words) {
    const auto text = [](event_log::event e) { return log_event{{}, "ex", std::move(e), 0}.text(); };
    EXPECT_EQ(text(events::executor_started{cadre::executor_kind::thread, 2}),
              "executor 'ex': started, kind thread, 2 workers");
    EXPECT_EQ(text(events::executor_stopped{}), "executor 'ex': stopped");
    EXPECT_EQ(text(events::worker_started{{1, 47}}), "executor 'ex': worker 1 (pid 47) started");
    EXPECT_EQ(
        text(events::worker_died{.worker = {1, 47}, .status_known = true, .signal = 11, .running = {3, "resize"}}),
        "executor 'ex': worker 1 (pid 47) was killed by SIGSEGV while it ran 'resize' #3");
    EXPECT_EQ(text(events::worker_died{.worker = {1, 47}, .status_known = true, .exit_code = 3}),
              "executor 'ex': worker 1 (pid 47) exited with status 3");
    EXPECT_EQ(text(events::worker_replaced{{1, 48}, 47}), "executor 'ex': worker 1 (pid 48) replaces pid 47");
    EXPECT_EQ(text(events::limit_reached{events::limit::time, {0, 47}, {5, ""}, 2s}),
              "executor 'ex': worker 0 (pid 47): task #5 exceeded its time limit of 2 s");
    EXPECT_EQ(text(events::limit_reached{events::limit::soft_memory, {0, 47}, {}, {}}),
              "executor 'ex': worker 0 (pid 47): exceeded its soft memory limit");
    EXPECT_EQ(text(events::call_retried{{5, "f"}, 1}), "executor 'ex': 'f' #5 is repeated (1 retry left)");
    EXPECT_EQ((log_event{{}, "ex", events::executor_stopped{}, 2}.text()),
              "executor 'ex': stopped (2 events before this one were lost)");
}

}  // namespace
