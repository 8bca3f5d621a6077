#include "process/plane/item_watch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace {

using namespace cadre::detail::process_plane;
using phase = item_watch::phase;

constexpr std::uint64_t ticket = 7;

TEST(item_watch, a_stop_of_an_item_in_work_ends_the_chunk_after_it) {
    item_watch w{};
    w.reset(ticket);
    w.begin(ticket, 0, 10);
    EXPECT_TRUE(w.end(ticket));
    w.begin(ticket, 1, 20);
    const std::uint64_t seen = w.word;
    EXPECT_EQ(item_watch::item_of(seen), 1u);
    EXPECT_EQ(item_watch::phase_of(seen), phase::running);
    EXPECT_EQ(w.begun, 20);
    EXPECT_TRUE(w.stop(seen));
    EXPECT_FALSE(w.end(ticket));
    EXPECT_FALSE(w.end(ticket));
}

TEST(item_watch, a_stop_of_an_item_that_has_ended_is_refused) {
    item_watch w{};
    w.reset(ticket);
    w.begin(ticket, 0, 10);
    const std::uint64_t first = w.word;
    EXPECT_TRUE(w.end(ticket));
    EXPECT_FALSE(w.stop(first));
    w.begin(ticket, 1, 20);
    EXPECT_FALSE(w.stop(first));
    EXPECT_TRUE(w.end(ticket));
}

TEST(item_watch, a_stop_between_two_items_is_for_the_next_one) {
    item_watch w{};
    w.reset(ticket);
    EXPECT_TRUE(w.stop(w.word));
    w.begin(ticket, 0, 10);
    EXPECT_EQ(item_watch::phase_of(w.word), phase::stopped);
    EXPECT_FALSE(w.end(ticket));
}

TEST(item_watch, a_stop_of_another_call_is_refused) {
    item_watch w{};
    w.reset(ticket);
    w.begin(ticket, 0, 10);
    const std::uint64_t seen = w.word;
    w.reset(ticket + 1);
    w.begin(ticket + 1, 0, 20);
    EXPECT_FALSE(w.stop(seen));
    EXPECT_TRUE(w.end(ticket + 1));
}

// Whichever side is first: the item that was stopped is the last one of its chunk.
TEST(item_watch, no_item_begins_after_the_one_that_was_stopped) {
    for (int round = 0; round < 200; ++round) {
        item_watch w{};
        w.reset(ticket);
        std::atomic<std::int64_t> stopped{-1};
        std::thread parent([&] {
            for (;;) {
                const std::uint64_t seen = w.word.load(std::memory_order_acquire);
                if (!w.stop(seen)) continue;
                stopped = item_watch::item_of(seen);
                return;
            }
        });
        std::uint32_t item = 0;
        do
            w.begin(ticket, item, item);
        while (w.end(ticket) && ++item != 0);
        parent.join();
        EXPECT_EQ(stopped, item);
    }
}

TEST(item_watch, a_worker_has_a_watch_for_each_of_its_first_chunks) {
    watch_set all;
    for (std::uint32_t i = 0; i != item_watches; ++i)
        EXPECT_EQ(all.take(), i);
    EXPECT_EQ(all.take(), no_watch);
    all.give_back(no_watch);
    all.give_back(17);
    EXPECT_EQ(all.take(), 17u);
}

}  // namespace
