#include "framework/shm/processes.hpp"

#include <fstream>
#include <optional>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/detail/state/memory_domain.hpp>

#include "shm/region.hpp"

namespace {

using namespace shm_test;
using shm::region;

TEST(shm_region, two_mappings_show_the_same_memory) {
    const region first = region::create(small_region);
    const region second = region::attach(first.fd(), first.shape());
    EXPECT_EQ(second.slots(), 8u);
    EXPECT_EQ(second.arena_size(1), small_region.arena_size);
    first.process(3).pending_bits.store(17);
    EXPECT_EQ(second.process(3).pending_bits.load(), 17u);
    EXPECT_NE(&first.process(3), &second.process(3));
}

TEST(shm_region, cannot_be_truncated) {
    const region r = region::create(small_region);
    EXPECT_NE(::ftruncate(r.fd(), 4096), 0);
    EXPECT_NE(::fcntl(r.fd(), F_GET_SEALS) & F_SEAL_SHRINK, 0);
}

TEST(shm_region, rejects_other_descriptors) {
    const shm::region_shape shape = region::create(small_region).shape();
    const int fd = ::memfd_create("other", MFD_CLOEXEC);
    ASSERT_GE(fd, 0);
    EXPECT_THROW(static_cast<void>(region::attach(fd, shape)), std::system_error);
    ASSERT_EQ(::ftruncate(fd, 1 << 20), 0);
    EXPECT_THROW(static_cast<void>(region::attach(fd, shape)), std::system_error);
    EXPECT_THROW(static_cast<void>(region::attach(-1, shape)), std::system_error);
    ::close(fd);
}

TEST(shm_region, slots_of_offsets) {
    const region r = region::create(small_region);
    EXPECT_EQ(r.slot_of(0), r.slots());
    for (unsigned s = 0; s != r.slots(); ++s) {
        EXPECT_EQ(r.slot_of(r.arena_offset(s)), s);
        EXPECT_EQ(r.slot_of(r.arena_offset(s) + r.arena_size(s) - 1), s);
    }
    EXPECT_EQ(r.slot_of(~std::uint64_t{0}), r.slots());
    EXPECT_EQ(r.slot_of(r.arena_offset(r.slots())), r.slots());
}

TEST(shm_region, fits_into_the_address_space) {
    constexpr std::uint64_t gib = 1ull << 30;
    const auto all = shm::region_shape::within(~std::uint64_t{0}, {});
    EXPECT_TRUE(all.sound());
#if !defined(CADRE_TSAN) && !defined(CADRE_ASAN)
    EXPECT_GE(all.slots, 4096u + 2);
#endif
    for (const std::uint64_t budget : {512 * gib, 8 * gib, 2 * gib, gib / 2, gib / 8}) {
        const auto s = shm::region_shape::within(budget, {});
        EXPECT_TRUE(s.sound()) << budget;
        EXPECT_LE(shm::region_map(s).size(), budget);
        EXPECT_GE(s.slots, budget >= 2 * gib ? 63u : 3u);
#if !defined(CADRE_TSAN) && !defined(CADRE_ASAN)  // their own mappings leave less
        EXPECT_GE(s.parents_arena, std::min(budget / 3, 15 * gib));
#endif
    }
    EXPECT_THROW(static_cast<void>(shm::region_shape::within(gib / 64, {})), std::system_error);
}

TEST(shm_region, is_smaller_under_a_limit_of_address_space) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit little = before;
    little.rlim_cur = pages * 4096 + (8ull << 30);
    ASSERT_EQ(::setrlimit(RLIMIT_AS, &little), 0);
    std::optional<region> r;
    EXPECT_NO_THROW(r.emplace(region::create()));
    ::setrlimit(RLIMIT_AS, &before);
    ASSERT_TRUE(r);
    EXPECT_GE(r->slots(), 63u);
    EXPECT_GE(r->arena_size(0), 900ull << 20);
}

TEST(shm_process_table, slots_are_reused_with_another_generation) {
    const auto plane = shm::state_plane::make(small_region);
    std::vector<shm::process_id> ids;
    while (const auto id = plane->claim_slot())
        ids.push_back(*id);
    EXPECT_EQ(ids.size(), 7u);
    plane->recover(ids[2]);
    plane->recover(ids[2]);
    const auto again = plane->claim_slot();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->slot, ids[2].slot);
    EXPECT_EQ(again->generation, ids[2].generation + 1);
    plane->recover(ids[2]);
    EXPECT_TRUE(plane->processes().live(*again));
    EXPECT_FALSE(plane->claim_slot());
}

TEST(shm_process_table, a_sleeper_is_rung_once) {
    const auto plane = shm::state_plane::make(small_region);
    auto& table = plane->processes();
    std::uint64_t count = 0;
    const auto rings = [&](int fd) { return ::read(fd, &count, sizeof count) > 0 ? count : 0; };

    plane->source().announce_polling();
    EXPECT_EQ(table.ring(0, 1), shm::process_table::ring_result::polling);
    EXPECT_EQ(rings(table.doorbell(0)), 0u);
    EXPECT_TRUE(plane->source().poll());
    EXPECT_FALSE(plane->source().poll());

    plane->source().announce_sleep();
    table.ring(0, 1);
    table.ring(0, 1);
    EXPECT_EQ(rings(table.doorbell(0)), 1u);
    plane->source().announce_awake();

    // The main loop computes: the supervisor is rung instead.
    plane->supervisor_source().announce_sleep();
    table.ring(0, 1);
    table.ring(0, 1);
    EXPECT_EQ(rings(table.doorbell(0)), 0u);
    EXPECT_EQ(rings(table.supervisor_doorbell()), 1u);
    plane->supervisor_source().announce_awake();
}

}  // namespace
