// The items of a chunk of tasks: each goes to the coroutine or is returned, whatever the two do at the same time.

#include <cadre/detail/call/item_claims.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

using cadre::detail::item_claims;

TEST(item_claims, the_coroutine_begins_one_item_after_the_other) {
    item_claims claims(3);
    EXPECT_EQ(claims.next(), 0u);
    EXPECT_EQ(claims.next(), 1u);
    EXPECT_EQ(claims.next(), 2u);
    EXPECT_FALSE(claims.next());
    EXPECT_EQ(claims.take_rest(), 3u);
    EXPECT_EQ(claims.size(), 3u);
}

TEST(item_claims, the_rest_is_taken_once) {
    item_claims claims(5);
    EXPECT_EQ(claims.next(), 0u);
    EXPECT_EQ(claims.next(), 1u);
    EXPECT_EQ(claims.take_rest(), 2u);
    EXPECT_FALSE(claims.next());
    EXPECT_EQ(claims.size(), 2u);
    claims.keep_rest();
    EXPECT_EQ(claims.size(), 2u);
}

TEST(item_claims, a_coroutine_that_ends_early_leaves_nothing_to_take) {
    item_claims claims(5);
    EXPECT_EQ(claims.next(), 0u);
    claims.keep_rest();
    EXPECT_FALSE(claims.next());
    EXPECT_EQ(claims.take_rest(), 5u);
    EXPECT_EQ(claims.size(), 5u);
}

TEST(item_claims, each_item_has_one_side) {
    for (int round = 0; round < 2000; ++round) {
        constexpr std::uint32_t size = 40;
        item_claims claims(size);
        std::uint32_t begun = 0;
        std::thread coroutine([&] {
            while (const auto i = claims.next()) {
                ASSERT_EQ(*i, begun);
                ++begun;
            }
        });
        const std::uint32_t from = claims.take_rest();
        coroutine.join();
        EXPECT_EQ(begun, from);
        EXPECT_EQ(claims.size(), from);
    }
}

TEST(chunk_turn, is_over_after_long_items) {
    cadre::detail::chunk_turn turn;
    int items = 0;
    for (; !turn.is_over(); ++items)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_LE(items, 4);
}
