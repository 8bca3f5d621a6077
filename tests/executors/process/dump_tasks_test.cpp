// The tasks of worker processes in `dump_tasks`.

#include "framework/task/dump_support.hpp"

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;

using dump_tests::dump;
using dump_tests::dump_with;

#define EXPECT_NAMES(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

cadre::task<> waits_for_items(cadre::channel<int> items) {
    while (auto item = co_await items.receive()) {
    }
}

void computes(cadre::shared_value<int> end) {
    while (end.load() == 0) {
    }
}

pid_t worker_pid() { return ::getpid(); }

char state_of(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text(std::istreambuf_iterator<char>(stat), {});
    return text.substr(text.rfind(')')).at(2);
}

}  // namespace

TEST(process_dump_tasks, names_the_tasks_of_each_worker) {
    const cadre::executor ex = cadre::process_executor{{.workers = 2, .tasks_per_worker = 1}};
    cadre::sync_wait([](cadre::executor on_workers) -> cadre::task<> {
        cadre::channel<int> items{on_workers, 1};
        cadre::shared_value<int> end{on_workers, 0};
        auto waits = cadre::spawn(on_workers.with({.name = "reader"}), waits_for_items, items);
        auto runs = cadre::spawn(on_workers.with({.name = "cruncher"}), computes, end);
        std::string text = dump_with("'cruncher' on the worker: runs\n");
        if (text.find("waits_for_items") == std::string::npos) text = dump_with("waits_for_items");
        EXPECT_NAMES(text, "'reader' on process executor 'process:2': in a worker, or queued for one\n");
        EXPECT_NAMES(text, "worker 0");
        EXPECT_NAMES(text, "worker 1");
        EXPECT_NAMES(text, "'reader' on the worker: waits\n");
        EXPECT_NAMES(text, "waits for a message from a channel (receive), in ");
        EXPECT_NAMES(text, "'cruncher' on the worker: runs\n");
        items.close();
        end.store(1);
        co_await std::move(waits);
        co_await std::move(runs);
    }(ex));
}

TEST(process_dump_tasks, a_call_without_a_name_shows_its_function) {
    const cadre::executor ex = cadre::process_executor{{.workers = 1}};
    cadre::sync_wait([](cadre::executor on_workers) -> cadre::task<> {
        cadre::shared_value<int> end{on_workers, 0};
        auto runs = cadre::spawn(on_workers, computes, end);
        const std::string text = dump_with("computes(cadre::shared_value<int>), on the worker: runs\n");
        EXPECT_NAMES(text, "computes(cadre::shared_value<int>), on process executor 'process:1': in a worker");
        end.store(1);
        co_await std::move(runs);
    }(ex));
}

TEST(process_dump_tasks, a_worker_that_does_not_answer_is_named) {
    const cadre::executor ex = cadre::make_executor("process:1");
    const pid_t worker = cadre::sync_wait(cadre::on(ex, worker_pid));
    ASSERT_EQ(::kill(worker, SIGSTOP), 0);
    while (state_of(worker) != 'T')
        std::this_thread::sleep_for(1ms);
    const auto began = std::chrono::steady_clock::now();
    const std::string stopped = dump();
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
    EXPECT_NAMES(stopped, "(pid " + std::to_string(worker) + "): does not respond\n");
    ASSERT_EQ(::kill(worker, SIGCONT), 0);
    // The late answer belongs to no request.
    const std::string again = dump_with("no task");
    EXPECT_NAMES(again, "(pid " + std::to_string(worker) + "):\n    no task\n");
}
