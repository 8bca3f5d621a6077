#include "cadre_top/table.hpp"

#include <cadre/executor_stats.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace {

using namespace cadre::detail::observation;

program example() {
    executor e{.name = "pool", .kind = "process", .done = 10, .running = 3, .queued = 1, .workers = 1};
    e.round_trips.resize(cadre::duration_histogram::bucket_count);
    e.round_trips[10] = 4;
    e.per_worker.push_back({.index = 0,
                            .pid = 47,
                            .state = 2,
                            .calls = 2,
                            .task_id = 5,
                            .task_name = "resize",
                            .running_for = 1'500'000,
                            .memory = 3 << 20,
                            .peak_memory = std::uint64_t{2} << 30});
    return {.pid = 12, .name = "app", .time = 1'000'000'000, .executors = {e}};
}

TEST(table, all_columns) {
    EXPECT_EQ(cadre::top::table(example(), nullptr),
              "app, pid 12\n"
              "\n"
              "EXECUTOR  KIND     WORKERS  QUEUED  RUNNING  DONE  FAILED  RETRIED  RESTARTS  DONE/S     P50     P99\n"
              "pool      process        1       1        3    10       0        0         0       -  1.5 us  2.0 us\n"
              "\n"
              "workers of pool\n"
              "  WORKER  PID  STATE  CALLS  TASK          FOR   MEMORY     PEAK\n"
              "       0   47  busy       2  resize #5  1.5 ms  3.0 MiB  2.0 GiB\n");
}

TEST(table, the_rate_between_two_observations) {
    const program before = example();
    program now = example();
    now.time += 2'000'000'000;
    now.executors[0].done += 5000;
    EXPECT_NE(cadre::top::table(now, &before).find("  2500  "), std::string::npos);
    EXPECT_EQ(cadre::top::table(before, &now).find("  2500  "), std::string::npos);  // the clock went backwards
}

TEST(table, names_are_safe_for_a_terminal) {
    program p = example();
    p.name = "a\x1b[31m\n";
    p.executors[0].name = std::string(200, 'x');
    p.executors[0].per_worker[0].task_name = "\x80\x9b\t";
    p.executors[0].per_worker[0].state = 200;
    p.executors[0].per_worker[0].running_for = std::numeric_limits<std::int64_t>::min();
    const std::string text = cadre::top::table(p, nullptr);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find('\x9b'), std::string::npos);
    EXPECT_EQ(text.find(std::string(50, 'x')), std::string::npos);
    EXPECT_NE(text.find("a?[31m?, pid 12"), std::string::npos);
}

TEST(observation, what_is_encoded_is_decoded) {
    const program p = example();
    const auto bytes = encode(p);
    const program q = decode(bytes.span());
    EXPECT_EQ(cadre::top::table(q, nullptr), cadre::top::table(p, nullptr));
    for (std::size_t n = 0; n < bytes.size(); ++n)
        EXPECT_ANY_THROW(static_cast<void>(decode(bytes.span().first(n)))) << n;
}

TEST(observation, a_histogram_of_another_size_is_refused) {
    program p = example();
    p.executors[0].round_trips.resize(1000);
    EXPECT_ANY_THROW(static_cast<void>(decode(encode(p).span())));
}

}  // namespace
