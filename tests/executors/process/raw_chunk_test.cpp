// Maps with plain results: chunks whose results form an array, from which items can be taken back.

#include "support.hpp"

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/bind_portable.hpp>
#include <cadre/map.hpp>
#include <cadre/outcome.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/when_all.hpp>

#include <algorithm>
#include <cstdint>
#include <list>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::shared_array;
using cadre::shared_value;
using cadre::task;

double scaled(double x, int by) { return x * by; }
std::size_t length(std::string text) { return text.size(); }
std::pair<int, int> twins(int x) { return {x, -x}; }

TEST(process_raw_chunk, results_of_every_plain_kind_arrive_in_input_order) {
    const executor ex = process_executor{{.workers = 2}};
    std::vector<std::tuple<double, int>> pairs;
    std::vector<std::string> words;
    std::list<int> unsized;
    for (int i = 0; i < 3000; ++i) {
        pairs.emplace_back(i, 3);
        words.emplace_back(static_cast<std::size_t>(i % 90), 'x');
        unsized.push_back(i);
    }
    auto filtered = unsized | std::views::filter([](int i) { return i % 2 == 0; });
    for (const std::size_t chunk : {0u, 1u, 7u, 100'000u}) {
        const cadre::map_options options{.chunk = chunk};
        const auto products = cadre::sync_wait(cadre::map(ex, scaled, pairs, options));
        const auto lengths = cadre::sync_wait(cadre::map(ex, length, words, options));
        const auto both = cadre::sync_wait(cadre::map(ex, twins, filtered, options));
        ASSERT_EQ(products.size(), 3000u);
        ASSERT_EQ(lengths.size(), 3000u);
        ASSERT_EQ(both.size(), 1500u);
        for (std::size_t i = 0; i < 3000; ++i) {
            ASSERT_EQ(products[i], 3.0 * static_cast<double>(i));
            ASSERT_EQ(lengths[i], i % 90);
            if (i < 1500) {
                ASSERT_EQ(both[i], twins(static_cast<int>(2 * i)));
            }
        }
    }
}

int fail_every_third(int i) { return i % 3 == 0 ? throw std::invalid_argument(std::to_string(i)) : i; }

TEST(process_raw_chunk, failures_stay_with_their_items) {
    const executor ex = process_executor{{.workers = 2}};
    const auto all = cadre::sync_wait(cadre::map_outcomes(ex, fail_every_third, std::views::iota(0, 5000)));
    ASSERT_EQ(all.size(), 5000u);
    for (int i = 0; i < 5000; ++i) {
        const auto& o = all[static_cast<std::size_t>(i)];
        ASSERT_EQ(o.has_value(), i % 3 != 0) << i;
        if (o.has_value()) {
            ASSERT_EQ(*o, i);
        } else {
            ASSERT_EQ(o.what(), std::to_string(i));
        }
    }
}

void count_and_die(shared_array<int> ran, int i) {
    ran.atomic(static_cast<std::size_t>(i)).fetch_add(1);
    if (i % 1000 == 777) die_by_signal(SIGKILL);
}

// An item that was committed is not run again, one that killed its worker fails, and those behind it run once.
TEST(process_raw_chunk, a_death_fails_the_item_in_work_and_repeats_none_that_is_committed) {
    constexpr int items = 5000;
    const executor ex = process_executor{{.workers = 2}};
    for (const std::size_t chunk : {0u, 1u, 50u}) {
        shared_array<int> ran{ex, items};
        const auto all = cadre::sync_wait(cadre::map_outcomes(ex, cadre::bind_portable(count_and_die, ran),
                                                              std::views::iota(0, items), {.chunk = chunk}));
        for (int i = 0; i < items; ++i) {
            ASSERT_EQ(all[static_cast<std::size_t>(i)].has_value(), i % 1000 != 777) << i;
            ASSERT_EQ(ran[static_cast<std::size_t>(i)], 1) << i;
        }
    }
}

int wait_for_the_others(shared_value<int> done, int count, int i) {
    if (i == count / 2) {
        const auto end = std::chrono::steady_clock::now() + 60s;
        while (done.load() != count - 1 && std::chrono::steady_clock::now() < end)
            std::this_thread::sleep_for(1ms);
        return done.load() == count - 1 ? i : -1;
    }
    done.fetch_add(1);
    return i;
}

// The item ends only when all others have run, those that were sent with it too.
TEST(process_raw_chunk, items_behind_a_long_one_move_to_an_idle_worker) {
    constexpr int items = 20'000;
    const executor ex = process_executor{{.workers = 2}};
    shared_value<int> done{ex, 0};
    const auto all = cadre::sync_wait(cadre::map(ex, cadre::bind_portable(wait_for_the_others, done, items),
                                                 std::views::iota(0, items), {.chunk = 1}));
    for (int i = 0; i < items; ++i)
        ASSERT_EQ(all[static_cast<std::size_t>(i)], i);
}

int mark(shared_array<int> ran, shared_value<int> begun, int i) {
    ran.atomic(static_cast<std::size_t>(i)).store(1);
    begun.store(1);
    return compute_until_stopped();
}
task<> stop_when_begun(std::stop_source stop, shared_value<int> begun) {
    while (begun.load() == 0)
        co_await cadre::sleep_for(1ms);
    stop.request_stop();
}
task<> stopped_map(executor ex, shared_array<int> ran, shared_value<int> begun) {
    std::stop_source stop;
    const auto f = cadre::bind_portable(mark, ran, begun);
    auto outcome = cadre::as_outcome(cadre::map(ex, f, std::views::iota(0, 1000), {.chunk = 1}));
    auto both =
        co_await cadre::when_all(cadre::with_stop(stop.get_token(), std::move(outcome)), stop_when_begun(stop, begun));
    EXPECT_EQ(std::get<0>(both).what(), cadre::cancelled{}.what());
}

TEST(process_raw_chunk, a_stopped_map_begins_no_further_item) {
    const executor ex = process_executor{{.workers = 2}};
    shared_array<int> ran{ex, 1000};
    shared_value<int> begun{ex, 0};
    run(stopped_map, ex, ran, begun);
    EXPECT_LT(std::count(ran.begin(), ran.end(), 1), 100);
}

int leave_a_child(int i) {
    if (i == 50 && ::fork() == 0) return -1;  // the child must not answer for its parent
    return i;
}

TEST(process_raw_chunk, a_fork_that_leaves_an_item_ends) {
    const executor ex = process_executor{{.workers = 1}};
    const auto all = cadre::sync_wait(cadre::map(ex, leave_a_child, std::views::iota(0, 1000)));
    for (int i = 0; i < 1000; ++i)
        ASSERT_EQ(all[static_cast<std::size_t>(i)], i);
}

}  // namespace
