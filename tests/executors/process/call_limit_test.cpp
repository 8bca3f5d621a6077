#include "support.hpp"

#include <cadre/as_outcome.hpp>
#include <cadre/map.hpp>
#include <cadre/stop.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <ranges>
#include <stdexcept>
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

// Item five of twenty is within its chunk, item nineteen its last one.
template <int Bad>
int spin_at(int i) {
    return i == Bad ? spin_for_ever() : i;
}
template <int Bad>
int obey_at(int i) {
    while (i == Bad && !cadre::stop_requested())
        asm volatile("");
    if (cadre::stop_requested()) throw cadre::cancelled();
    return i;
}
template <int Bad>
std::string obey_with_text_at(int i) {
    return std::to_string(obey_at<Bad>(i));
}
template <int Bad>
cadre::task<int> sleep_at(int i) {
    if (i == Bad) co_await cadre::sleep_for(60s);
    co_await cadre::sleep_for(0s);
    co_return i;
}

template <class Error, class F>
void only_item_fails(int bad, const executor& ex, F f, cadre::map_options options) {
    const auto all = cadre::sync_wait(cadre::map_outcomes(ex, f, std::views::iota(0, 20), options));
    for (int i = 0; i < 20; ++i) {
        const auto& o = all[static_cast<std::size_t>(i)];
        if (i != bad) {
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
        only_item_fails<cadre::task_killed>(5, ex, spin_at<5>, {.chunk = chunk});
        only_item_fails<cadre::timed_out>(5, ex, obey_at<5>, {.chunk = chunk});
        only_item_fails<cadre::timed_out>(5, ex, obey_with_text_at<5>, {.chunk = chunk});
        only_item_fails<cadre::timed_out>(5, ex, sleep_at<5>, {.chunk = chunk});
    }
}

TEST(process_call_limit, the_last_item_of_a_chunk_is_timed_out_as_any_other) {
    const executor ex = process_executor{{.workers = 1, .task_timeout = 200ms, .kill_grace = 200ms}};
    only_item_fails<cadre::task_killed>(19, ex, spin_at<19>, {.chunk = 20});
    only_item_fails<cadre::timed_out>(19, ex, obey_at<19>, {.chunk = 20});
    only_item_fails<cadre::timed_out>(19, ex, obey_with_text_at<19>, {.chunk = 20});
    only_item_fails<cadre::timed_out>(19, ex, sleep_at<19>, {.chunk = 20});
}

TEST(process_call_limit, a_limit_of_an_item_ends_that_item_alone) {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 20ms}};
    only_item_fails<cadre::timed_out>(5, ex, spin_at<5>, {.timeout = 500ms});
    only_item_fails<cadre::timed_out>(5, ex, obey_at<5>, {.timeout = 500ms});
    only_item_fails<cadre::timed_out>(5, ex, sleep_at<5>, {.timeout = 500ms});
}

// Every second item computes for a little longer than the limit; the one after it checks whether a stop that was meant
// for its predecessor reaches it.
constexpr auto race_limit = 2ms;

int end_at_the_limit(int i) {
    using clock = std::chrono::steady_clock;
    static clock::time_point last_end;
    const auto begin = clock::now();
    if (i % 2 == 0) {
        const auto d = race_limit + std::chrono::microseconds(i % 300);
        while (clock::now() - begin < d)
            asm volatile("");
    } else {
        while (clock::now() - begin < 500us)
            if (cadre::stop_requested()) {
                // Its own time counts from the end of the item before it, also if the processor was elsewhere.
                const auto at_work = clock::now() - last_end;
                if (at_work < race_limit)
                    throw std::runtime_error("was stopped after " + std::to_string(at_work / 1us));
                break;
            }
    }
    last_end = clock::now();
    return 0;
}
std::string end_at_the_limit_with_text(int i) { return std::to_string(end_at_the_limit(i)); }
cadre::task<int> end_at_the_limit_as_task(int i) { co_return end_at_the_limit(i); }

template <class F>
void no_stop_reaches_the_next_item(F f) {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 60s, .tasks_per_worker = 1}};
    const auto all =
        cadre::sync_wait(cadre::map_outcomes(ex, f, std::views::iota(0, 400), {.chunk = 40, .timeout = race_limit}));
    for (std::size_t i = 0; i < all.size(); ++i)
        EXPECT_TRUE(all[i].has_value()) << i << ": " << all[i].what();
}

TEST(process_call_limit, a_late_stop_of_an_item_does_not_reach_the_next_one) {
    no_stop_reaches_the_next_item(end_at_the_limit);
    no_stop_reaches_the_next_item(end_at_the_limit_with_text);
    no_stop_reaches_the_next_item(end_at_the_limit_as_task);
}

int overstep_at_even(int i) {
    if (i % 2 == 0) compute_for(20ms + std::chrono::microseconds(i * 10));
    return i;
}

// Without kill_grace the kill follows the stop at once: the item may have ended meanwhile.
TEST(process_call_limit, a_kill_for_an_item_does_not_cost_the_next_one) {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 0ms}};
    const auto all = cadre::sync_wait(
        cadre::map_outcomes(ex, overstep_at_even, std::views::iota(0, 40), {.chunk = 40, .timeout = 20ms}));
    for (std::size_t i = 1; i < all.size(); i += 2)
        EXPECT_TRUE(all[i].has_value()) << i << ": " << all[i].what();
}

cadre::task<int> sleep_a_little(int i) {
    co_await cadre::sleep_for(20ms);
    co_return i;
}

// 100 chunks are in work side by side; each takes far longer than the limit of an item.
TEST(process_call_limit, the_limit_counts_for_each_chunk_of_tasks_by_itself) {
    const executor ex = process_executor{{.workers = 1}};
    const auto all = cadre::sync_wait(cadre::map_outcomes(ex, sleep_a_little, std::views::iota(0, 2000),
                                                          {.chunk = 20, .window = 2000, .timeout = 300ms}));
    for (std::size_t i = 0; i < all.size(); ++i)
        EXPECT_TRUE(all[i].has_value()) << i << ": " << all[i].what();
}

}  // namespace
