// Calls of short functions go to a worker that is awake, although another one has fewer of them.

#include "guard.hpp"
#include "support.hpp"

#include "process/parent/function_list.hpp"
#include "process/parent/worker_connection.hpp"

#include <cadre/detail/codec/function_identity.hpp>
#include <cadre/shared_value.hpp>

#include <gtest/gtest.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;
using cadre::detail::process_parent::function_list;
using cadre::detail::process_parent::worker_connection;
using cadre::detail::process_parent::worker_stage;
using cadre::detail::process_plane::worker_state;

constexpr std::uint32_t long_time = function_list::long_time;

class expected_time : public testing::Test {
protected:
    expected_time() { (void)functions.number({0, 8}); }
    void note(std::initializer_list<std::uint32_t> times) {
        for (const std::uint32_t t : times)
            functions.note_time(0, t);
    }

    function_list functions;
};

TEST_F(expected_time, is_long_before_the_first_measurement) {
    note({0});
    EXPECT_EQ(functions.expected_time(0), long_time);
}

TEST_F(expected_time, is_that_of_a_slower_call_at_once) {
    note({1'000, 3'000});
    EXPECT_EQ(functions.expected_time(0), 3'000u);
}

TEST_F(expected_time, of_a_slow_call_is_forgotten_after_many_quick_ones) {
    note({4'000'000});
    EXPECT_EQ(functions.expected_time(0), long_time);
    note({1'000});
    EXPECT_GT(functions.expected_time(0), long_time / 2);
    for (int i = 0; i != 200; ++i)
        note({1'000});
    EXPECT_EQ(functions.expected_time(0), 1'000u);
}

TEST_F(expected_time, is_each_functions_own) {
    note({1'000});
    (void)functions.number({0, 16});
    EXPECT_EQ(functions.expected_time(0), 1'000u);
    EXPECT_EQ(functions.expected_time(1), long_time);
}

class worker_load : public testing::Test {
protected:
    worker_load() { worker.stage = worker_stage::ready; }
    void enter(worker_state state) { worker.link.control().state = static_cast<std::uint64_t>(state); }

    worker_connection worker{0, std::uint64_t{1} << 20, ""};
};

TEST_F(worker_load, of_a_sleeping_worker_is_between_that_of_short_calls_and_that_of_a_long_one) {
    enter(worker_state::asleep);
    EXPECT_GT(worker.load(), 5'000u);
    EXPECT_LT(worker.load(), long_time);
}

TEST_F(worker_load, of_a_worker_that_is_awake_is_the_time_of_its_calls) {
    enter(worker_state::awake);
    EXPECT_EQ(worker.load(), 0u);
    worker.expected_time = 700;
    EXPECT_EQ(worker.load(), 700u);
}

TEST_F(worker_load, of_a_starting_worker_is_that_of_some_long_calls) {
    enter(worker_state::starting);
    worker.stage = worker_stage::starting;
    EXPECT_GT(worker.load(), 2 * long_time);
}

int wait_or_release(cadre::shared_value<int> v, bool wait) {
    while (wait && v.load() == 0)
        compute_for(10us);
    v.store(1);
    return 1;
}

// The function is known as a short one, and what releases the first call is sent behind it.
task<void> release_from_behind(executor ex, bool parent_computes) {
    for (int round = 0; round != 20; ++round) {
        const cadre::shared_value<int> v(ex, 0);
        for (int i = 0; i != 100; ++i)
            (void)co_await cadre::on(ex, wait_or_release, v, false);
        v.store(0);
        auto first = cadre::spawn(ex, wait_or_release, v, true);
        auto second = cadre::spawn(ex, wait_or_release, v, false);
        while (parent_computes && v.load() == 0)
            compute_for(10us);
        (void)co_await first;
        (void)co_await second;
    }
}

TEST(process_short_calls, move_to_another_worker_from_behind_one_that_takes_long) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2}};
    run(release_from_behind, ex, false);
}

task<void> call_often(executor ex) {
    for (int i = 0; i != 300; ++i)
        EXPECT_EQ(co_await cadre::on(ex, plus_one, i), i + 1);
}

// The ring of a worker that starts late keeps requests that were taken back.
TEST(process_short_calls, move_from_workers_that_start_late) {
    const hang_guard guard;
    for (int round = 0; round != 30; ++round) {
        const executor ex = process_executor{{.workers = 2}};
        run(call_often, ex);
    }
}

TEST(process_short_calls, move_also_while_the_program_computes) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2}};
    run(release_from_behind, ex, true);
}

}  // namespace
