#include "framework/shm/processes.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "shm/arena.hpp"

namespace {

using namespace shm_test;
using shm::arena;
using shm::held_by;
using shm::region;

constexpr shm::process_id me{1, 1};

TEST(shm_arena, blocks_are_disjoint_and_found) {
    const region r = region::create(small_region);
    arena a(r, me);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> taken;
    for (const std::uint64_t size : {1u, 48u, 49u, 100u, 1000u, 5000u, 32752u, 32753u, 65520u, 65521u, 1000000u})
        for (int i = 0; i != 5; ++i) {
            const auto b = a.allocate(size).block;
            ASSERT_NE(b.offset, 0u);
            EXPECT_GE(b.room, size);
            EXPECT_EQ(r.slot_of(b.offset), me.slot);
            const auto found = shm::find_block(r, b.offset);
            EXPECT_EQ(found.offset, b.offset);
            EXPECT_EQ(found.room, b.room);
            EXPECT_EQ(shm::find_block(r, b.offset + 16).offset, 0u);
            taken.emplace_back(b.offset, b.offset + 16 + b.room);
            std::memset(r.at<std::byte>(b.data()), 0xff, b.room);
        }
    std::ranges::sort(taken);
    for (std::size_t i = 1; i != taken.size(); ++i)
        EXPECT_LE(taken[i - 1].second, taken[i].first);
    std::set<std::uint64_t> walked;
    shm::for_each_block(r, me.slot, [&](shm::block_location b) {
        if (shm::holder_of(r, b.offset).load() == held_by(me)) walked.insert(b.offset);
    });
    EXPECT_EQ(walked.size(), taken.size());
}

TEST(shm_arena, released_blocks_are_reused) {
    const region r = region::create(small_region);
    arena a(r, me);
    for (const std::uint64_t size : {100u, 300000u}) {
        std::set<std::uint64_t> seen;
        for (int i = 0; i != 3000; ++i) {
            const auto b = a.allocate(size).block;
            ASSERT_NE(b.offset, 0u) << i;
            seen.insert(b.offset);
            EXPECT_TRUE(arena::release(r, b.offset, held_by(me)));
            EXPECT_FALSE(arena::release(r, b.offset, held_by(me)));
        }
        EXPECT_LT(seen.size(), 700u);
    }
}

TEST(shm_arena, many_pending_blocks_do_not_hide_free_ones) {
    const region r = region::create(small_region);
    arena a(r, me);
    std::vector<std::uint64_t> held;
    for (int i = 0; i != 20000; ++i) {
        const auto b = a.allocate(100).block;
        ASSERT_NE(b.offset, 0u);
        held.push_back(b.offset);
        if (i % 2 == 1) arena::release(r, b.offset, held_by(me));
    }
    EXPECT_LT(r.arena(me.slot).units_used.load() * shm::unit_size, 20000u * 192);
}

TEST(shm_arena, exhaustion_is_no_block) {
    const region r = region::create(small_region);
    arena a(r, me);
    EXPECT_EQ(a.allocate(1ull << 40).block.offset, 0u);
    std::vector<std::uint64_t> held;
    while (const auto offset = a.allocate(1 << 20).block.offset)
        held.push_back(offset);
    EXPECT_GT(held.size(), 40u);
    EXPECT_EQ(a.allocate(1 << 20).block.offset, 0u);
    arena::release(r, held[5], held_by(me));
    EXPECT_EQ(a.allocate(1 << 20).block.offset, held[5]);
}

TEST(shm_arena, the_next_process_in_the_slot_keeps_blocks_that_others_hold) {
    const region r = region::create(small_region);
    std::uint64_t small = 0;
    std::uint64_t large = 0;
    {
        arena a(r, me);
        small = a.allocate(100).block.offset;
        large = a.allocate(500000).block.offset;
        const auto freed = a.allocate(500000).block.offset;
        arena::release(r, freed, held_by(me));
    }
    const shm::process_id next{me.slot, me.generation + 1};
    arena a(r, next);
    for (int i = 0; i != 2000; ++i) {
        ASSERT_NE(a.allocate(100).block.offset, small);
        if (i < 50) {
            const auto b = a.allocate(500000).block;
            ASSERT_NE(b.offset, 0u);
            ASSERT_TRUE(b.offset + 16 + b.room <= large || b.offset >= large + 500016);
        }
    }
    EXPECT_EQ(shm::holder_of(r, small).load(), held_by(me));
    EXPECT_EQ(shm::holder_of(r, large).load(), held_by(me));
}

TEST(shm_arena, a_damaged_unit_table_does_no_harm) {
    const region r = region::create(small_region);
    {
        arena a(r, me);
        for (int i = 0; i != 3000; ++i)
            static_cast<void>(a.allocate(1000));
    }
    for (unsigned u = 0; u < r.arena(me.slot).units_used.load(); u += 3)
        r.unit(me.slot, u).store(0xdead'beefu + u);
    r.arena(me.slot).units_used.store(~std::uint64_t{0});
    unsigned blocks = 0;
    shm::for_each_block(r, me.slot, [&](shm::block_location) { ++blocks; });
    EXPECT_GT(blocks, 100u);
    arena a(r, {me.slot, 2});
    const auto b = a.allocate(1 << 20).block;
    if (b.offset != 0) {
        EXPECT_EQ(r.slot_of(b.offset), me.slot);
        EXPECT_EQ(r.slot_of(b.offset + 16 + b.room - 1), me.slot);
    }
    for (std::uint64_t offset : {0ull, 63ull, 1ull << 20, 1ull << 62, ~0ull})
        EXPECT_EQ(shm::find_block(r, offset).offset, 0u);
}

}  // namespace
