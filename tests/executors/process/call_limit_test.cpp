#include "support.hpp"

#include <cadre/as_outcome.hpp>
#include <cadre/map.hpp>
#include <cadre/stop.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <ranges>
#include <string>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;

executor with_limit(const executor& ex, std::chrono::nanoseconds limit) {
    return ex.with({.name = "limited", .timeout = limit});
}

TEST(process_call_limit, a_call_that_is_ended_by_force_is_timed_out) {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 20ms}};
    EXPECT_THROW((void)cadre::sync_wait(cadre::on(with_limit(ex, 50ms), spin_for_ever)), cadre::timed_out);
    EXPECT_EQ(ex.stats().restarts, 1u);
}

TEST(process_call_limit, a_call_that_waits_for_a_worker_does_not_use_up_its_time) {
    const executor ex = process_executor{{.workers = 1}};
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < 20; ++i)
        jobs.push_back(cadre::spawn(with_limit(ex, 2s), compute_for, std::chrono::milliseconds(150)));
    for (auto& j : jobs)
        EXPECT_EQ(run(wait_for<int>, std::move(j)), 0);
}

TEST(process_call_limit, the_smaller_of_both_limits_names_the_error) {
    const executor ex = process_executor{{.workers = 1, .task_timeout = 50ms, .kill_grace = 20ms}};
    EXPECT_THROW((void)cadre::sync_wait(cadre::on(with_limit(ex, 60s), spin_for_ever)), cadre::task_killed);
    const executor lax = process_executor{{.workers = 1, .task_timeout = 60s, .kill_grace = 20ms}};
    EXPECT_THROW((void)cadre::sync_wait(cadre::on(with_limit(lax, 50ms), spin_for_ever)), cadre::timed_out);
}

int spin_at_five(int i) { return i == 5 ? spin_for_ever() : i; }
int obey_at_five(int i) {
    while (i == 5 && !cadre::stop_requested())
        asm volatile("");
    if (cadre::stop_requested()) throw cadre::cancelled();
    return i;
}
cadre::task<int> sleep_at_five(int i) {
    if (i == 5) co_await cadre::sleep_for(60s);
    co_await cadre::sleep_for(0s);
    co_return i;
}

template <class Error, class F>
void only_item_five_fails(const executor& ex, F f, cadre::map_options options) {
    const auto all = cadre::sync_wait(cadre::map_outcomes(ex, f, std::views::iota(0, 20), options));
    for (int i = 0; i < 20; ++i) {
        const auto& o = all[static_cast<std::size_t>(i)];
        if (i != 5) {
            EXPECT_TRUE(o.has_value()) << i << ": " << o.what();
        } else {
            ASSERT_FALSE(o.has_value());
            EXPECT_THROW(std::rethrow_exception(o.error()), Error) << o.what();
        }
    }
}

TEST(process_call_limit, an_item_over_the_limit_leaves_the_rest_of_its_chunk_alone) {
    const executor ex = process_executor{{.workers = 1, .task_timeout = 300ms, .kill_grace = 300ms}};
    for (const std::size_t chunk : {1u, 20u}) {
        only_item_five_fails<cadre::task_killed>(ex, spin_at_five, {.chunk = chunk});
        only_item_five_fails<cadre::timed_out>(ex, obey_at_five, {.chunk = chunk});
        only_item_five_fails<cadre::timed_out>(ex, sleep_at_five, {.chunk = chunk});
    }
}

TEST(process_call_limit, a_limit_of_an_item_ends_that_item_alone) {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 20ms}};
    only_item_five_fails<cadre::timed_out>(ex, spin_at_five, {.timeout = 500ms});
    only_item_five_fails<cadre::timed_out>(ex, obey_at_five, {.timeout = 500ms});
    only_item_five_fails<cadre::timed_out>(ex, sleep_at_five, {.timeout = 500ms});
}

}  // namespace
