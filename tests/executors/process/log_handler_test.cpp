// The events of a process executor, as the handler gets them.

#include "support.hpp"

#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/executor_backend.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/log_handler.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::log_event;
using cadre::process_executor;
namespace events = cadre::log_events;

/// All events between its construction and `take`.
class recorder {
public:
    recorder() {
        cadre::set_log_handler([this](const log_event& e) { seen_.push_back(e); });
    }
    ~recorder() { cadre::set_log_handler({}); }
    recorder(const recorder&) = delete;
    recorder& operator=(const recorder&) = delete;

    std::vector<log_event> take() {
        cadre::set_log_handler({});
        return seen_;
    }

private:
    std::vector<log_event> seen_;
};

template <class Event>
std::vector<Event> of_type(const std::vector<log_event>& all) {
    std::vector<Event> found;
    for (const log_event& e : all)
        if (const auto* const one = std::get_if<Event>(&e.what); one != nullptr) found.push_back(*one);
    return found;
}

int crash() {
    volatile int* const nowhere = nullptr;
    return *nowhere;
}

TEST(log_handler, the_life_of_an_executor_whose_workers_leave_in_order) {
    recorder r;
    {
        const executor ex = process_executor{{.workers = 2, .name = "pair"}};
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    }
    const auto all = r.take();
    ASSERT_EQ(all.size(), 6u);
    for (const log_event& e : all)
        EXPECT_EQ(e.executor, "pair");
    const auto* const started = std::get_if<events::executor_started>(&all.front().what);
    ASSERT_NE(started, nullptr);
    EXPECT_EQ(started->kind, cadre::executor_kind::process);
    EXPECT_EQ(started->workers, 2u);
    EXPECT_TRUE(std::holds_alternative<events::executor_stopped>(all.back().what));
    const auto begun = of_type<events::worker_started>(all);
    ASSERT_EQ(begun.size(), 2u);
    EXPECT_EQ(begun[0].worker.index, 0u);
    EXPECT_EQ(begun[1].worker.index, 1u);
    EXPECT_GT(begun[0].worker.pid, 0);
    EXPECT_EQ(of_type<events::worker_left>(all).size(), 2u);
}

TEST(log_handler, a_crash_with_its_stack_and_the_replacement) {
    recorder r;
    {
        const executor ex = process_executor{{.workers = 1}};
        EXPECT_THROW(cadre::sync_wait(cadre::on(ex.with({.name = "crasher"}), crash)), cadre::worker_crashed);
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    }
    const auto all = r.take();
    const auto died = of_type<events::worker_died>(all);
    const auto started = of_type<events::worker_started>(all);
    const auto replaced = of_type<events::worker_replaced>(all);
    ASSERT_EQ(died.size(), 1u);
    ASSERT_EQ(started.size(), 2u);
    ASSERT_EQ(replaced.size(), 1u);
    EXPECT_TRUE(died[0].status_known);
    EXPECT_EQ(died[0].signal, SIGSEGV);
    EXPECT_EQ(died[0].worker.pid, started[0].worker.pid);
    EXPECT_EQ(died[0].running.name, "crasher");
    EXPECT_NE(died[0].stack.find("crash"), std::string::npos) << died[0].stack;
    EXPECT_FALSE(died[0].killed);
    EXPECT_EQ(replaced[0].predecessor, started[0].worker.pid);
    EXPECT_EQ(replaced[0].worker.pid, started[1].worker.pid);
}

TEST(log_handler, an_exit_code) {
    recorder r;
    {
        const executor ex = process_executor{{.workers = 1}};
        EXPECT_THROW(cadre::sync_wait(cadre::on(ex, exit_with, 3)), cadre::worker_crashed);
    }
    const auto died = of_type<events::worker_died>(r.take());
    ASSERT_EQ(died.size(), 1u);
    EXPECT_EQ(died[0].signal, 0);
    EXPECT_EQ(died[0].exit_code, 3);
    EXPECT_TRUE(died[0].stack.empty());
}

TEST(log_handler, each_retry) {
    recorder r;
    {
        const executor ex = process_executor{{.workers = 1}};
        EXPECT_THROW(cadre::sync_wait(cadre::on(ex.with({.retries = 2}), die_by_signal, SIGKILL)),
                     cadre::worker_crashed);
    }
    const auto all = r.take();
    const auto retried = of_type<events::call_retried>(all);
    ASSERT_EQ(retried.size(), 2u);
    EXPECT_EQ(retried[0].retries_left, 1);
    EXPECT_EQ(retried[1].retries_left, 0);
    EXPECT_NE(retried[0].task.name.find("die_by_signal"), std::string::npos) << retried[0].task.name;
    EXPECT_EQ(of_type<events::worker_died>(all).size(), 3u);
}

TEST(log_handler, a_time_limit_and_the_kill_after_it) {
    recorder r;
    {
        const executor ex = process_executor{{.workers = 1, .task_timeout = 20ms, .kill_grace = 20ms}};
        EXPECT_THROW(cadre::sync_wait(cadre::on(ex.with({.name = "endless"}), spin_for_ever)), cadre::task_killed);
    }
    const auto all = r.take();
    const auto limits = of_type<events::limit_reached>(all);
    ASSERT_EQ(limits.size(), 1u);
    EXPECT_EQ(limits[0].limit, events::limit::time);
    EXPECT_EQ(limits[0].task.name, "endless");
    EXPECT_EQ(limits[0].allowed, 20ms);
    const auto died = of_type<events::worker_died>(all);
    ASSERT_EQ(died.size(), 1u);
    EXPECT_TRUE(died[0].killed);
    EXPECT_EQ(died[0].signal, SIGKILL);
    EXPECT_EQ(died[0].worker.pid, limits[0].worker.pid);
}

int leak(std::size_t bytes) {
    static std::vector<std::vector<char>> kept;
    kept.emplace_back(bytes, 'x');
    return 1;
}

TEST(log_handler, the_soft_memory_limit_replaces_the_worker) {
    recorder r;
    {
        const executor ex = process_executor{{.workers = 1, .memory_soft_limit = std::size_t{32} << 20}};
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, leak, std::size_t{64} << 20)), 1);
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    }
    const auto all = r.take();
    const auto limits = of_type<events::limit_reached>(all);
    ASSERT_EQ(limits.size(), 1u);
    EXPECT_EQ(limits[0].limit, events::limit::soft_memory);
    EXPECT_EQ(of_type<events::worker_replaced>(all).size(), 1u);
    EXPECT_TRUE(of_type<events::worker_died>(all).empty());
    EXPECT_EQ(of_type<events::worker_left>(all).size(), 2u);
}

// Sanitizers reserve the address space: the limit is not enforced under them.
#ifndef CADRE_NO_MEMORY_LIMIT
TEST(log_handler, a_failed_allocation_names_the_task) {
    recorder r;
    {
        const executor ex = process_executor{{.workers = 1, .memory_limit = std::size_t{256} << 20}};
        EXPECT_THROW(cadre::sync_wait(cadre::on(ex.with({.name = "greedy"}), leak, std::size_t{1} << 30)),
                     std::bad_alloc);
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    }
    const auto limits = of_type<events::limit_reached>(r.take());
    ASSERT_EQ(limits.size(), 1u);
    EXPECT_EQ(limits[0].limit, events::limit::memory);
    EXPECT_EQ(limits[0].task.name, "greedy");
}
#endif

int threads_in_worker() {
    const cadre::thread_executor pool{{.workers = 2}};
    return static_cast<int>(pool.stats().workers);
}

TEST(log_handler, what_a_worker_makes_for_itself_has_no_events) {
    recorder r;
    {
        const executor ex = process_executor{{.workers = 1}};
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, threads_in_worker)), 2);
    }
    EXPECT_EQ(of_type<events::executor_started>(r.take()).size(), 1u);
}

TEST(log_handler, local_executors_start_and_stop) {
    recorder r;
    {
        const cadre::thread_executor pool{{.workers = 2, .name = "cpu"}};
    }
    const auto all = r.take();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].text(), "executor 'cpu': started, kind thread, 2 workers");
    EXPECT_EQ(all[1].text(), "executor 'cpu': stopped");
}

TEST(log_handler, a_handler_may_use_the_executor) {
    const executor ex = process_executor{{.workers = 2}};
    std::vector<int> answers;
    cadre::set_log_handler([&](const log_event& e) {
        if (std::holds_alternative<events::worker_died>(e.what))
            answers.push_back(cadre::sync_wait(cadre::on(ex, plus_one, 41)));
    });
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, die_by_signal, SIGKILL)), cadre::worker_crashed);
    cadre::set_log_handler({});
    EXPECT_EQ(answers, std::vector<int>{42});
}

}  // namespace
