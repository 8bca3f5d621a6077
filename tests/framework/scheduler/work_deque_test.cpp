// work_deque: last in first out for the owner, first in first out for thieves; every item is taken exactly once.
#include <cadre/detail/scheduler/work_deque.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using cadre::work_item;
using cadre::detail::runnable;
using cadre::detail::work_deque;

struct item : work_item {
    std::atomic<int> taken{0};
    int written_by_owner = 0;
};

TEST(work_deque, the_owner_takes_the_newest_and_thieves_the_oldest) {
    work_deque d;
    std::array<item, 4> items;
    EXPECT_TRUE(d.empty());
    EXPECT_FALSE(d.pop());
    EXPECT_FALSE(d.steal());
    EXPECT_FALSE(d.newest());
    EXPECT_FALSE(d.oldest());
    for (item& i : items)
        d.push(runnable(&i));
    EXPECT_EQ(d.newest(), runnable(&items[3]));
    EXPECT_EQ(d.oldest(), runnable(&items[0]));
    EXPECT_EQ(d.pop(), runnable(&items[3]));
    EXPECT_EQ(d.steal(), runnable(&items[0]));
    EXPECT_EQ(d.oldest(), runnable(&items[1]));
    EXPECT_EQ(d.steal(), runnable(&items[1]));
    EXPECT_EQ(d.pop(), runnable(&items[2]));
    EXPECT_FALSE(d.pop());
    EXPECT_TRUE(d.empty());
}

TEST(work_deque, a_batch_is_pushed_in_order) {
    work_deque d;
    std::array<item, 3> items;
    d.push(items.size(), [&](std::size_t i) { return runnable(&items[i]); });
    EXPECT_EQ(d.pop(), runnable(&items[2]));
    EXPECT_EQ(d.steal(), runnable(&items[0]));
    EXPECT_EQ(d.pop(), runnable(&items[1]));
}

TEST(work_deque, grows) {
    work_deque d;
    std::vector<item> items(10'000);
    for (int round = 0; round < 3; ++round) {
        for (item& i : items)
            d.push(runnable(&i));
        EXPECT_EQ(d.steal(), runnable(items.data()));
        for (std::size_t i = items.size(); i-- > 1;)
            ASSERT_EQ(d.pop(), runnable(&items[i]));
        EXPECT_FALSE(d.pop());
    }
}

TEST(work_deque, every_item_is_taken_once) {
    constexpr std::size_t count = 200'000;
    work_deque d;
    const auto items = std::make_unique<item[]>(count);
    std::atomic<bool> over{false};
    std::atomic<std::size_t> total{0};
    const auto take = [&](runnable r) {
        auto* i = static_cast<item*>(r.item());
        EXPECT_EQ(i->written_by_owner, 7);
        i->taken.fetch_add(1);
        total.fetch_add(1);
    };
    std::vector<std::thread> thieves;
    for (int t = 0; t < 3; ++t)
        thieves.emplace_back([&] {
            while (!over.load())
                if (const runnable r = d.steal(); r) take(r);
        });
    for (std::size_t i = 0; i < count;) {
        // Mostly one or two items in the deque, for which the owner and thieves compete.
        const std::size_t batch = 1 + i % 3;
        for (std::size_t n = 0; n < batch && i < count; ++n, ++i) {
            items[i].written_by_owner = 7;
            d.push(runnable(&items[i]));
        }
        for (std::size_t n = 0; n < batch; ++n)
            if (const runnable r = d.pop(); r) take(r);
    }
    while (const runnable r = d.pop())
        take(r);
    while (total.load() < count)
        std::this_thread::yield();
    over.store(true);
    for (std::thread& t : thieves)
        t.join();
    EXPECT_EQ(total.load(), count);
    for (std::size_t i = 0; i < count; ++i)
        ASSERT_EQ(items[i].taken.load(), 1) << i;
}

}  // namespace
