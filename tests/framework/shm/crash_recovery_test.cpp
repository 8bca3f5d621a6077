// Recovery while other processes continue, and recovery of incomplete operations.

#include "framework/shm/lock_fixture.hpp"

#include <algorithm>
#include <thread>
#include <vector>

#include "shm/arena.hpp"
#include "shm/channel_core.hpp"
#include "shm/object_table.hpp"

namespace {

using namespace shm_test;
using shm::step;

shm::object_ref only_object(shm::state_plane& p) {
    const shm::object_table t(p.memory(), p.self());
    shm::object_ref found{};
    t.for_each([&](shm::object_ref o, shm::object_phase) { found = o; });
    return found;
}

/// Cells in the state `writing` by the dead process.
void fill_with_cells_of(shm::process_id dead, void* data, std::size_t size) {
    const auto word = shm::cell_word::make(5, shm::cell_phase::writing, dead.slot).raw;
    auto* first = static_cast<std::uint64_t*>(data);
    std::fill(first, first + size / sizeof word, word);
}
bool still_filled(shm::process_id dead, const void* data, std::size_t size) {
    const auto word = shm::cell_word::make(5, shm::cell_phase::writing, dead.slot).raw;
    const auto* first = static_cast<const std::uint64_t*>(data);
    return std::all_of(first, first + size / sizeof word, [&](std::uint64_t w) { return w == word; });
}

TEST(shm_crash_recovery, a_lock_granted_to_a_former_process_of_the_slot_is_freed) {
    const auto plane = shm::state_plane::make(small_region);
    const auto lock = plane->domain().make_lock();
    const auto former = plane->claim_slot();
    plane->recover(*former);
    const auto now = plane->claim_slot();
    ASSERT_EQ(now->slot, former->slot);
    const int end = run(*plane, [&](shm::state_plane& p) {
        // It chose the former process; meanwhile that one died and the next one in the slot waits for the lock.
        only_entry(p).interest[0].slots.fetch_or(std::uint64_t{1} << now->slot);
        grant_and_die(p, *former);
    });
    ASSERT_EQ(end, SIGKILL);
    expect_free(*lock);
}

TEST(shm_crash_recovery, memory_freed_by_the_dead_process_is_not_accessed) {
    const auto plane = shm::state_plane::make(small_region);
    const auto dead = plane->claim_slot();
    auto channel = plane->domain().make_channel(1000);
    const std::size_t size = shm::channel_words::bytes(1000);
    const auto o = only_object(*plane);
    shm::object_entry& e = plane->memory().object(o.slot, o.index);
    // It died after it had given the memory back and before it said so.
    e.presence.slots.store(0);
    e.state.store(shm::object_word::make(o.incarnation, o.kind, shm::object_phase::freeing, dead->slot).raw);
    ASSERT_TRUE(shm::arena::release(plane->memory(), e.block.load(), shm::held_by_object(o)));
    const std::uint64_t offset = e.block.load();
    // Its owner has something else there now.
    shm::holder_of(plane->memory(), offset).store(shm::held_by(plane->self()));
    auto* data = plane->memory().at<std::uint64_t>(e.data.load());
    const auto word = shm::cell_word::make(5, shm::cell_phase::full).raw;
    std::fill(data, data + size / sizeof word, word);
    plane->recover(*dead);
    EXPECT_TRUE(std::all_of(data, data + size / sizeof word, [&](std::uint64_t w) { return w == word; }));
    EXPECT_EQ(shm::object_word{e.state.load()}.phase(), shm::object_phase::free);
    EXPECT_EQ(shm::holder_of(plane->memory(), offset).load(), shm::held_by(plane->self()));
}

TEST(shm_crash_recovery, of_a_channel_that_others_free_meanwhile) {
    const auto plane = shm::state_plane::make(small_region);
    constexpr std::size_t cells = 300'000;
    const std::size_t size = shm::channel_words::bytes(cells);
    for (int round = 0; round != 20; ++round) {
        auto channel = plane->domain().make_channel(cells);
        const auto o = only_object(*plane);
        const std::uint64_t offset = plane->memory().object(o.slot, o.index).block.load();
        const auto dead = plane->claim_slot();
        std::thread supervisor([&] { plane->recover(*dead); });
        channel.reset();
        // The next user of the block; from the end, because recovery walks from the beginning.
        if (shm::holder_of(plane->memory(), offset).load() == shm::nobody) {
            shm::holder_of(plane->memory(), offset).store(shm::held_by(plane->self()));
            auto* data = plane->memory().at<std::byte>(offset + sizeof(shm::block_header));
            constexpr std::size_t part = 1 << 20;
            for (std::size_t at = size / part * part; at != 0; at -= part)
                fill_with_cells_of(*dead, data + at - part, part);
            supervisor.join();
            EXPECT_TRUE(still_filled(*dead, data, size / part * part)) << round;
            shm::holder_of(plane->memory(), offset).store(shm::nobody);
        } else {
            supervisor.join();
        }
    }
}

TEST(shm_crash_recovery, uses_the_identities_in_the_parents_private_memory) {
    const auto plane = shm::state_plane::make(small_region);
    const auto lock = plane->domain().make_lock();
    child c = start(*plane, [&](shm::state_plane& p) {
        bool died = false;
        static_cast<void>(shm::lock_core<>(p.memory().object(0, 0).lock, p.self()).try_lock(died));
        for (unsigned slot = 0; slot != p.memory().slots(); ++slot)
            p.memory().process(slot).identity.store(0);
        ::kill(::getpid(), SIGKILL);
    });
    ASSERT_EQ(c.wait(), SIGKILL);
    const auto next = plane->claim_slot();
    ASSERT_TRUE(next);
    EXPECT_NE(next->slot, 0u);
    EXPECT_NE(next->slot, c.id.slot);
    plane->recover(c.id);
    bool died = false;
    EXPECT_EQ(lock->try_lock(died), op_status::done);
    EXPECT_TRUE(died);
}

}  // namespace
