// The code that a worker runs at its normal end.

#include "guard.hpp"
#include "support.hpp"

#include <cadre/this_worker.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include <sys/mman.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

/// What the workers' ends have run, in memory that they share with this process since before they are forked.
struct counts {
    std::atomic<int> finalizers;
    std::atomic<int> locals;
    std::atomic<int> exits;
    std::atomic<int> locals_before_finalizer;
};
counts& seen =
    *new (::mmap(nullptr, sizeof(counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) counts{};

struct counted_local {
    ~counted_local() { ++seen.locals; }
};

void finalize() {
    if (seen.locals != 0) ++seen.locals_before_finalizer;
    ++seen.finalizers;
}

int use_local_and_register_exit() {
    (void)cadre::this_worker::local<counted_local>();
    std::atexit([] { ++seen.exits; });
    return 1;
}

class process_end : public testing::Test {
protected:
    process_end() {
        seen.finalizers = 0;
        seen.locals = 0;
        seen.exits = 0;
        seen.locals_before_finalizer = 0;
    }

private:
    hang_guard guard_;
};

task<void> shut_down(executor ex) { co_await ex.shutdown(); }

TEST_F(process_end, finalizer_locals_and_atexit_run_at_the_end_of_the_executor) {
    executor ex = process_executor{{.workers = 1, .finalizer = finalize}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, use_local_and_register_exit)), 1);
    EXPECT_EQ(seen.finalizers, 0);
    cadre::sync_wait(shut_down(ex));
    EXPECT_EQ(seen.finalizers, 1);
    EXPECT_EQ(seen.locals, 1);
    EXPECT_EQ(seen.exits, 1);
    EXPECT_EQ(seen.locals_before_finalizer, 0);
}

TEST_F(process_end, and_in_each_worker_that_retires) {
    executor ex = process_executor{{.workers = 1, .finalizer = finalize, .max_tasks_per_worker = 1}};
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, use_local_and_register_exit)), 1);
    cadre::sync_wait(shut_down(ex));
    EXPECT_EQ(seen.locals, 5);
    EXPECT_EQ(seen.exits, 5);
    EXPECT_GE(seen.finalizers, 5);
}

TEST_F(process_end, a_finalizer_without_an_end_is_bounded) {
    executor ex = process_executor{{.workers = 1, .finalizer = [] { (void)spin_for_ever(); }}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    const auto begin = std::chrono::steady_clock::now();
    cadre::sync_wait(shut_down(ex));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
}

TEST_F(process_end, a_finalizer_that_hangs_in_a_retiring_worker_does_not_keep_its_place) {
    executor ex =
        process_executor{{.workers = 1, .finalizer = [] { (void)spin_for_ever(); }, .max_tasks_per_worker = 1}};
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, i)), i + 1);
}

}  // namespace
