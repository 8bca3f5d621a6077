#include <cadre/errors.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <limits>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

int twice(int x) { return 2 * x; }

void throw_at_once(std::size_t, std::size_t) { throw std::runtime_error("no progress"); }

cadre::task<int> twice_later(int x) { co_return 2 * x; }

TEST(parallel_loop, a_chunk_may_be_larger_than_the_input) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 2}};
    for (const std::size_t chunk : {std::size_t{3}, std::size_t{4}, std::numeric_limits<std::size_t>::max()}) {
        const auto doubled =
            cadre::sync_wait(cadre::map(ex, twice, std::vector<int>{1, 2, 3}, cadre::map_options{.chunk = chunk}));
        EXPECT_EQ(doubled, (std::vector<int>{2, 4, 6})) << chunk;
    }
}

TEST(parallel_loop, what_progress_throws_leaves_the_map_when_all_work_has_ended) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 2}};
    const auto options = cadre::map_options{.progress = throw_at_once};
    EXPECT_THROW(cadre::sync_wait(cadre::map(ex, twice, std::views::iota(0, 1000), options)), std::runtime_error);
    EXPECT_THROW(cadre::sync_wait(cadre::map(ex, twice_later, std::views::iota(0, 1000), options)), std::runtime_error);
}

// Plain items run in a loop, coroutines in chunks; both ask what runs to stop. Without a request the second item ends
// by itself, late.
std::atomic<bool> waits{false};
std::atomic<bool> was_asked_to_stop{false};

int wait_for_a_stop(int x) {
    while (x == 0 && !waits.load())
        std::this_thread::yield();
    if (x == 0) return x;
    waits = true;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!cadre::stop_requested() && std::chrono::steady_clock::now() < give_up)
        std::this_thread::yield();
    was_asked_to_stop = cadre::stop_requested();
    return x;
}
cadre::task<int> wait_for_a_stop_later(int x) { co_return wait_for_a_stop(x); }

TEST(parallel_loop, what_progress_throws_stops_the_items_that_run) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 2}};
    const auto options = cadre::map_options{.chunk = 1, .progress = throw_at_once};
    EXPECT_THROW(cadre::sync_wait(cadre::map(ex, wait_for_a_stop, std::views::iota(0, 2), options)),
                 std::runtime_error);
    EXPECT_TRUE(was_asked_to_stop.exchange(false));
    waits = false;
    EXPECT_THROW(cadre::sync_wait(cadre::map(ex, wait_for_a_stop_later, std::views::iota(0, 2), options)),
                 std::runtime_error);
    EXPECT_TRUE(was_asked_to_stop.load());
}

// Both items run when the first of them fails; `last_to_fail` then waits for the other one.
std::atomic<int> begun{0};
std::atomic<bool> other_has_failed{false};

struct mark_failure {
    ~mark_failure() { other_has_failed = true; }
};

template <int LastToFail>
int fail_both(int x) {
    begun.fetch_add(1);
    while (begun.load() != 2)
        std::this_thread::yield();
    const bool last = x == LastToFail;
    while (last && !other_has_failed.load())
        std::this_thread::yield();
    const mark_failure mark;
    if (x == 0) throw cadre::cancelled{};
    throw std::out_of_range("an error of its own");
}
template <int LastToFail>
cadre::task<int> fail_both_later(int x) {
    co_return fail_both<LastToFail>(x);
}

template <class F>
void expect_the_error(F f) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 2}};
    for (int i = 0; i < 20; ++i) {
        begun = 0;
        other_has_failed = false;
        EXPECT_THROW(cadre::sync_wait(cadre::map(ex, f, std::views::iota(0, 2), cadre::map_options{.chunk = 1})),
                     std::out_of_range);
    }
}

TEST(parallel_loop, an_item_that_throws_cancelled_hides_no_error_of_another) {
    expect_the_error(fail_both<0>);
    expect_the_error(fail_both<1>);
    expect_the_error(fail_both_later<0>);
    expect_the_error(fail_both_later<1>);
}

int throw_cancelled(int x) { return x == 1 ? throw cadre::cancelled{} : x; }

TEST(parallel_loop, an_item_that_throws_cancelled_ends_the_map_by_it) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 2}};
    EXPECT_THROW(cadre::sync_wait(cadre::map(ex, throw_cancelled, std::views::iota(0, 2))), cadre::cancelled);
}

// The item in the middle waits until all others have ended, which other workers take over.
std::atomic<int> others_ended{0};
constexpr int with_a_long_item = 20'000;

int wait_for_the_others(int x) {
    if (x == with_a_long_item / 2)
        while (others_ended.load() != with_a_long_item - 1)
            std::this_thread::yield();
    else
        others_ended.fetch_add(1);
    return x;
}

TEST(parallel_loop, an_item_that_takes_long_delays_no_item_outside_of_its_chunk) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 2}};
    for (int i = 0; i < 5; ++i) {
        others_ended = 0;
        const auto same = cadre::sync_wait(
            cadre::map(ex, wait_for_the_others, std::views::iota(0, with_a_long_item), cadre::map_options{.chunk = 1}));
        EXPECT_EQ(same.back(), with_a_long_item - 1);
    }
}

std::atomic<int> sum_of_items{0};
void add_to_sum(int x) { sum_of_items.fetch_add(x); }

TEST(parallel_loop, every_index_runs_once) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 3}};
    for (const std::size_t chunk : {0u, 1u, 7u, 1000u})
        for (const int size : {1, 2, 3, 100, 3'001}) {
            sum_of_items = 0;
            (void)cadre::sync_wait(
                cadre::map(ex, add_to_sum, std::views::iota(0, size), cadre::map_options{.chunk = chunk}));
            EXPECT_EQ(sum_of_items.load(), size * (size - 1) / 2) << chunk;
        }
}

int fails_at_the_end(int x) {
    if (x >= 2'900) throw std::runtime_error(std::to_string(x));
    return x;
}

TEST(parallel_loop, the_lowest_failure_is_thrown_whoever_has_taken_its_index) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 3}};
    for (int i = 0; i < 50; ++i) {
        try {
            (void)cadre::sync_wait(cadre::map(ex, fails_at_the_end, std::views::iota(0, 3'000)));
            ADD_FAILURE();
        } catch (const std::runtime_error& e) {
            EXPECT_STREQ(e.what(), "2900");
        }
    }
}

// Progress is a function of no parameters but its two numbers: what it shares is global here.
std::atomic<int> inside{0};
std::atomic<bool> overlapped{false};

void count_inside(std::size_t, std::size_t) {
    if (inside.fetch_add(1) != 0) overlapped = true;
    for (volatile int i = 0; i < 2000;)
        i = i + 1;
    inside.fetch_sub(1);
}

cadre::task<void> map_at_home(cadre::executor ex) {
    (void)co_await cadre::map(ex, twice, std::views::iota(0, 100'000),
                              cadre::map_options{.chunk = 10, .progress = count_inside});
}

TEST(parallel_loop, calls_of_progress_do_not_overlap_where_the_home_is_a_pool) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 4}};
    cadre::sync_wait(cadre::on(ex, map_at_home, ex));
    EXPECT_FALSE(overlapped.load());
}

}  // namespace
