#include <cadre/executor_stats.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/on.hpp>
#include <cadre/sync_wait.hpp>

#include <gtest/gtest.h>

#include <chrono>

namespace {

using namespace std::chrono_literals;
using cadre::duration_histogram;

TEST(duration_histogram, the_bounds_of_buckets_are_powers_of_two) {
    duration_histogram h;
    h.add(0ns);
    h.add(1ns);
    h.add(2ns);
    h.add(3ns);
    h.add(4ns);
    h.add(1023ns);
    h.add(1024ns);
    EXPECT_EQ(h.buckets[0], 2u);
    EXPECT_EQ(h.buckets[1], 2u);
    EXPECT_EQ(h.buckets[2], 1u);
    EXPECT_EQ(h.buckets[9], 1u);
    EXPECT_EQ(h.buckets[10], 1u);
    EXPECT_EQ(h.count(), 7u);
}

TEST(duration_histogram, what_is_out_of_range_is_in_the_last_or_the_first_bucket) {
    duration_histogram h;
    h.add(std::chrono::nanoseconds::max());
    h.add(-1ns);
    EXPECT_EQ(h.buckets[duration_histogram::bucket_count - 1], 1u);
    EXPECT_EQ(h.buckets[0], 1u);
}

TEST(duration_histogram, percentiles_are_in_the_bucket_of_the_exact_one) {
    duration_histogram h;
    EXPECT_EQ(h.percentile(50), 0ns);
    for (int i = 0; i < 90; ++i)
        h.add(1000ns);
    for (int i = 0; i < 10; ++i)
        h.add(100us);
    EXPECT_GE(h.percentile(50), 512ns);
    EXPECT_LE(h.percentile(50), 1024ns);
    EXPECT_LE(h.percentile(90), 1024ns);
    EXPECT_GE(h.percentile(99), 65536ns);
    EXPECT_LE(h.percentile(100), 131072ns);
    EXPECT_EQ(h.percentile(200), h.percentile(100));
    EXPECT_LE(h.percentile(-1), h.percentile(1));
}

template <class Executor>
void counts_round_trips(const Executor& ex) {
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, [] { return 7; })), 7);
    cadre::executor_stats s = ex.stats();
    while (s.running != 0)
        s = ex.stats();
    EXPECT_EQ(s.done, 5u);
    EXPECT_EQ(s.completed, 5u);
    EXPECT_EQ(s.round_trips.count(), 5u);
    EXPECT_TRUE(s.per_worker.empty());
}

TEST(executor_stats, local_executors_count_round_trips) {
    counts_round_trips(cadre::thread_executor{{.workers = 2}});
    counts_round_trips(cadre::serial_executor{});
}

TEST(executor_stats, of_many_round_trips_few_are_measured) {
    const cadre::serial_executor ex;
    for (int i = 0; i < 1024 + 2560; ++i)
        cadre::sync_wait(cadre::on(ex, [] {}));
    EXPECT_EQ(ex.stats().round_trips.count(), 1024u + 10u);
}

}  // namespace
