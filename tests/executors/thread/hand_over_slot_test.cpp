// A worker that offers to take an item gets it exactly once, however the offer ends.
#include "thread/hand_over_slot.hpp"

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/detail/coroutine/work_item.hpp>

namespace {

using cadre::work_item;
using cadre::detail::hand_over_slot;

TEST(hand_over_slot, takes_an_item_only_while_a_worker_offers) {
    hand_over_slot slot;
    work_item item;
    EXPECT_FALSE(slot.hand_over(item));
    ASSERT_TRUE(slot.offer());
    EXPECT_EQ(slot.poll(), nullptr);
    EXPECT_TRUE(slot.hand_over(item));
    EXPECT_EQ(slot.poll(), &item);
}

TEST(hand_over_slot, takes_one_item_an_offer) {
    hand_over_slot slot;
    work_item first;
    work_item second;
    ASSERT_TRUE(slot.offer());
    EXPECT_TRUE(slot.hand_over(first));
    EXPECT_FALSE(slot.hand_over(second));
    EXPECT_FALSE(slot.offer());
    slot.reset();
    ASSERT_TRUE(slot.offer());
    EXPECT_TRUE(slot.hand_over(second));
}

TEST(hand_over_slot, serves_one_worker_at_a_time) {
    hand_over_slot slot;
    ASSERT_TRUE(slot.offer());
    EXPECT_FALSE(slot.offer());
    EXPECT_EQ(slot.withdraw(), nullptr);
    EXPECT_TRUE(slot.offer());
}

TEST(hand_over_slot, a_withdrawn_offer_gives_the_item_that_came_first) {
    hand_over_slot slot;
    work_item item;
    ASSERT_TRUE(slot.offer());
    ASSERT_TRUE(slot.hand_over(item));
    EXPECT_EQ(slot.withdraw(), &item);
    slot.reset();
    ASSERT_TRUE(slot.offer());
    EXPECT_EQ(slot.withdraw(), nullptr);
    EXPECT_FALSE(slot.hand_over(item));
}

// Each worker polls a few times and then withdraws; each submitter hands over until it succeeds.
TEST(hand_over_slot, every_item_runs_once) {
    constexpr std::size_t items = 200;
    struct counted : work_item {
        std::atomic<int> runs{0};
    };
    hand_over_slot slot;
    std::vector<counted> all(2 * items);
    std::atomic<std::size_t> ran{0};
    const auto work = [&] {
        while (ran.load() != all.size()) {
            if (!slot.offer()) {
                std::this_thread::yield();
                continue;
            }
            // A submitter may need this thread's core while the offer stands.
            work_item* item = nullptr;
            for (int i = 0; i < 20 && item == nullptr; ++i) {
                item = slot.poll();
                if (i % 4 == 3) std::this_thread::yield();
            }
            if (item == nullptr) item = slot.withdraw();
            if (item == nullptr) {
                std::this_thread::yield();
                continue;
            }
            static_cast<counted*>(item)->runs.fetch_add(1, std::memory_order_relaxed);
            slot.reset();
            ran.fetch_add(1);
        }
    };
    const auto submit = [&](std::size_t first) {
        for (std::size_t i = first; i != first + items; ++i)
            while (!slot.hand_over(all[i]))
                std::this_thread::yield();
    };
    std::thread workers[] = {std::thread(work), std::thread(work)};
    std::thread submitters[] = {std::thread(submit, 0), std::thread(submit, items)};
    for (std::thread& t : submitters)
        t.join();
    for (std::thread& t : workers)
        t.join();
    for (const counted& item : all)
        EXPECT_EQ(item.runs.load(), 1);
}

}  // namespace
