#include "support.hpp"

#include <cadre/as_outcome.hpp>
#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/map.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <new>
#include <ranges>
#include <set>
#include <stdexcept>
#include <vector>

// Sanitizers reserve terabytes of address space and keep what is freed: no limit of memory fits them.
#ifndef CADRE_NO_MEMORY_LIMIT
namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;

constexpr std::size_t limit = std::size_t{64} << 20;
constexpr int calls = 400;

int leak_a_megabyte(int i) {
    auto* const leaked = new std::vector<char>(std::size_t{1} << 20, 'x');
    asm volatile("" : : "r"(leaked->data()) : "memory");  // compilers may omit an unused allocation
    return i;
}

struct counts {
    int values = 0;
    int bad_allocs = 0;
};

void count(counts& n, const cadre::outcome<int>& o) {
    if (o.has_value())
        ++n.values;
    else
        try {
            std::rethrow_exception(o.error());
        } catch (const std::bad_alloc&) {
            ++n.bad_allocs;
        }
}

counts spawn_all(const executor& ex) {
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < calls; ++i)
        jobs.push_back(cadre::spawn(ex, leak_a_megabyte, i));
    counts n;
    for (auto& j : jobs)
        count(n, cadre::sync_wait(cadre::as_outcome(std::move(j))));
    return n;
}

counts map_all(const executor& ex, cadre::map_options options = {}) {
    counts n;
    for (const auto& o :
         cadre::sync_wait(cadre::map_outcomes(ex, leak_a_megabyte, std::views::iota(0, calls), options)))
        count(n, o);
    return n;
}

// A worker takes more than forty of these calls until it is full.
TEST(process_memory, a_worker_at_its_limit_is_replaced_and_fails_one_call) {
    const executor ex = process_executor{{.workers = 2, .memory_limit = limit}};
    for (const counts& n : {spawn_all(ex), map_all(ex), map_all(ex, {.chunk = 25})}) {
        EXPECT_GT(n.bad_allocs, 0);
        EXPECT_LE(n.bad_allocs, calls / 20);
        EXPECT_EQ(n.values + n.bad_allocs, calls);
    }
    EXPECT_EQ(ex.stats().restarts, 0u);
}

TEST(process_memory, a_call_that_met_the_limit_is_repeated_in_a_fresh_worker) {
    const executor ex = process_executor{{.workers = 2, .memory_limit = limit, .retries = 1}};
    EXPECT_EQ(spawn_all(ex).values, calls);
    EXPECT_GT(ex.stats().retried, 0u);
    // An item that is sent again out of a chunk may meet a worker that others have used meanwhile.
    EXPECT_EQ(map_all(ex, {.retries = 3}).values, calls);
}

// Fails in the worker that item -1 has filled, for want of memory, and nowhere else.
template <bool Translated>
int need_much(int i) {
    static std::vector<std::vector<char>> kept;
    if (i < 0) {  // fills its worker
        for (int n = 0; n < 40; ++n)
            kept.emplace_back(std::size_t{1} << 20, 'x');
        return i;
    }
    if (i != 4 || kept.empty()) return i;
    try {
        for (int n = 0; n < 100; ++n)
            kept.emplace_back(std::size_t{1} << 20, 'x');
    } catch (const std::bad_alloc&) {
        if (Translated) throw std::runtime_error("too little memory");
        throw;
    }
    return i;
}

template <bool Translated>
std::vector<cadre::outcome<int>> fail_at_the_end_of_a_chunk(int retries) {
    const executor ex = process_executor{{.workers = 1, .memory_limit = limit}};
    (void)cadre::sync_wait(cadre::on(ex, need_much<Translated>, -1));
    return cadre::sync_wait(
        cadre::map_outcomes(ex, need_much<Translated>, std::views::iota(0, 5), {.chunk = 5, .retries = retries}));
}

TEST(process_memory, the_last_item_of_a_chunk_is_repeated_as_any_other) {
    EXPECT_TRUE(fail_at_the_end_of_a_chunk<false>(1).back().has_value());
    EXPECT_THROW(fail_at_the_end_of_a_chunk<false>(0).back().value(), std::bad_alloc);
}

TEST(process_memory, an_item_that_threw_another_error_for_want_of_memory_is_not_repeated) {
    EXPECT_THROW(fail_at_the_end_of_a_chunk<true>(3).back().value(), std::runtime_error);
    const executor ex = process_executor{{.workers = 1, .memory_limit = limit, .retries = 3}};
    (void)cadre::sync_wait(cadre::on(ex, need_much<true>, -1));
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, need_much<true>, 4)), std::runtime_error);
}

pid_t leak_then_pid(int megabytes) {
    for (int i = 0; i < megabytes; ++i)
        (void)leak_a_megabyte(i);
    return ::getpid();
}

TEST(process_memory, a_worker_above_the_soft_limit_is_replaced_after_the_task) {
    const executor ex = process_executor{{.workers = 1, .memory_soft_limit = limit}};
    const pid_t first = cadre::sync_wait(cadre::on(ex, leak_then_pid, 1));
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, leak_then_pid, 100)), first);
    EXPECT_NE(cadre::sync_wait(cadre::on(ex, worker_pid)), first);
    EXPECT_EQ(map_all(ex).values, calls);
    EXPECT_EQ(ex.stats().restarts, 0u);
}

// Of 16 MB. The worker copies its elements to a buffer that grows, and keeps the memory of all its stages.
std::deque<int> large_result() { return std::deque<int>(4 << 20, 1); }
std::size_t need_60_megabytes() { return std::vector<char>(60 << 20, 'x').size(); }

TEST(process_memory, memory_kept_for_messages_is_given_back_before_an_allocation_fails) {
    const executor ex = process_executor{{.workers = 1, .memory_limit = 104 << 20}};
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, large_result)).size(), 4u << 20);
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, need_60_megabytes)), std::size_t{60} << 20);
    }
}

TEST(process_memory, memory_kept_for_messages_does_not_count_towards_the_soft_limit) {
    const executor ex = process_executor{{.workers = 1, .memory_soft_limit = 75 << 20}};
    const pid_t first = cadre::sync_wait(cadre::on(ex, worker_pid));
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, large_result)).size(), 4u << 20);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, leak_then_pid, 55)), first);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, worker_pid)), first);
}

cadre::task<pid_t> call_itself(executor ex) { co_return co_await cadre::on(ex, leak_then_pid, 0); }

pid_t leak_slowly(int megabytes) {
    std::this_thread::sleep_for(100ms);  // as a long task: the worker gets no second call in advance
    return leak_then_pid(megabytes);
}

TEST(process_memory, a_nested_call_reaches_the_only_worker_although_it_retires) {
    for (int round = 0; round < 3; ++round) {
        const executor ex = process_executor{{.workers = 1, .memory_soft_limit = limit}};
        auto outer = cadre::spawn(ex, call_itself, ex);
        auto leak = cadre::spawn(ex, leak_slowly, 100);
        EXPECT_GT(cadre::sync_wait(std::move(leak)), 0);
        EXPECT_GT(cadre::sync_wait(std::move(outer)), 0);
    }
}

cadre::task<int> fill_then_call(executor ex) {
    try {
        for (;;)
            (void)leak_a_megabyte(0);
    } catch (const std::bad_alloc&) {
    }
    const int first = co_await cadre::on(ex, plus_one, 1);
    co_return first + co_await cadre::on(ex, plus_one, 2);
}

// The worker that is to be replaced runs what its own tasks wait for.
TEST(process_memory, a_task_in_a_full_worker_can_still_make_calls) {
    const executor ex = process_executor{{.workers = 1, .memory_limit = limit}};
    try {
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, fill_then_call, ex)), 5);
    } catch (const std::bad_alloc&) {
    } catch (const cadre::worker_error&) {
    }
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

}  // namespace
#endif
