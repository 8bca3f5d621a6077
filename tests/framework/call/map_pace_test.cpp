// How many items of a map are in flight, and in what chunks.

#include <cadre/detail/call/map_pace.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <optional>

using cadre::map_options;
using cadre::detail::map_pace;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t workers = 2;
constexpr std::size_t most_waiting = 256 * workers;

map_pace pace_of_tasks(const map_options& options = {}) {
    return {options, workers, std::nullopt, {.coroutine = true, .timed = true}};
}
void end(map_pace& pace, std::size_t chunks, std::chrono::nanoseconds each) {
    for (; chunks != 0; --chunks) {
        const std::size_t items = pace.chunk();
        pace.sent(items);
        pace.ran(items, each * items);
        pace.completed(items);
    }
}

}  // namespace

TEST(map_pace, tasks_that_wait_are_sent_singly_and_many_at_a_time) {
    map_pace pace = pace_of_tasks();
    EXPECT_EQ(pace.chunk(), 1u);
    EXPECT_EQ(pace.window(), most_waiting);
    end(pace, 10'000, 0ns);  // not measured: they have waited
    EXPECT_EQ(pace.chunk(), 1u);
    EXPECT_EQ(pace.window(), most_waiting);
    EXPECT_EQ(pace.refill_below(), most_waiting);  // one that ends makes room for one
}

TEST(map_pace, short_tasks_travel_in_chunks) {
    map_pace pace = pace_of_tasks();
    end(pace, 2'000, 100ns);
    EXPECT_GT(pace.chunk(), 100u);
    EXPECT_GE(pace.window(), workers * pace.chunk());
}

TEST(map_pace, long_tasks_that_compute_are_few) {
    map_pace pace = pace_of_tasks();
    end(pace, 2'000, 1ms);
    EXPECT_EQ(pace.chunk(), 1u);
    EXPECT_LT(pace.window(), 10 * workers);
}

TEST(map_pace, a_task_that_waits_makes_chunks_shorter_and_room_for_others) {
    map_pace pace = pace_of_tasks();
    end(pace, 2'000, 100ns);
    const std::size_t before = pace.chunk();
    end(pace, 1, 0ns);
    EXPECT_LT(pace.chunk(), before);
    EXPECT_GE(pace.window(), most_waiting);
    end(pace, 20, 0ns);
    EXPECT_EQ(pace.chunk(), 1u);
    EXPECT_EQ(pace.window(), most_waiting);
    end(pace, 2'000, 100ns);
    EXPECT_GT(pace.chunk(), 100u);
}

TEST(map_pace, while_a_task_that_has_ended_its_chunk_waits_many_others_may_begin) {
    map_pace pace = pace_of_tasks();
    end(pace, 2'000, 10us);
    EXPECT_LT(pace.window(), most_waiting);
    pace.ended_early();
    EXPECT_GE(pace.window(), most_waiting);
    EXPECT_EQ(pace.refill_below(), pace.window());
}

TEST(map_pace, what_the_user_has_fixed_stays) {
    map_pace pace = pace_of_tasks({.chunk = 8, .window = 40});
    end(pace, 2'000, 100ns);
    end(pace, 20, 0ns);
    EXPECT_EQ(pace.chunk(), 8u);
    EXPECT_EQ(pace.window(), 40u);
    EXPECT_FALSE(pace.is_free());
}

TEST(map_pace, a_repeatable_order_does_not_depend_on_time) {
    for (const bool coroutine : {true, false}) {
        map_pace pace({}, 1, std::nullopt, {.coroutine = coroutine, .timed = true, .repeatable = true});
        const std::size_t window = pace.window();
        end(pace, 2'000, 100ns);
        EXPECT_EQ(pace.chunk(), 1u);
        EXPECT_EQ(pace.window(), window);
    }
}
