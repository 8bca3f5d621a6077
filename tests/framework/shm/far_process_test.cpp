// Processes beyond the near slots: the same objects, doorbells that the parent writes for others, recovery.

#include <vector>

#include "framework/shm/plane_fixture.hpp"

#include "shm/channel_core.hpp"

namespace {

using namespace shm_test;

constexpr shm::region_options many{.slots = shm::near_slots + 200, .arena_size = 64ull << 20};

/// A plane whose near slots are taken, so that further processes are far.
std::unique_ptr<shm::state_plane> full_of_near_processes() {
    auto plane = shm::state_plane::make(many);
    for (unsigned i = 0; i != shm::near_slots - 2; ++i)
        EXPECT_LT(plane->claim_slot()->slot, shm::near_slots);
    return plane;
}

/// The supervisor of the parent, until the process has ended. @return as child::wait
int supervise(shm::state_plane& plane, child& c) {
    for (;;) {
        plane.supervisor_source().poll();
        plane.supervisor_source().announce_sleep();
        plane.supervisor_source().poll();
        siginfo_t info{};
        ::waitid(P_PID, static_cast<id_t>(c.pid), &info, WEXITED | WNOWAIT | WNOHANG);
        if (info.si_pid != 0) break;
        pollfd bell{plane.processes().supervisor_doorbell(), POLLIN, 0};
        if (::poll(&bell, 1, 20) == 1) {
            std::uint64_t n = 0;
            [[maybe_unused]] const auto r = ::read(bell.fd, &n, sizeof n);
        }
        plane.supervisor_source().announce_awake();
    }
    return c.wait();
}

TEST(shm_far_process, the_supervisors_slot_is_nobodys) {
    const auto plane = full_of_near_processes();
    const auto first = plane->claim_slot();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->slot, shm::near_slots);
    unsigned count = 1;
    while (plane->claim_slot())
        ++count;
    EXPECT_EQ(count, 200u);
}

TEST(shm_far_process, far_processes_wake_each_other) {
    const auto plane = full_of_near_processes();
    const auto there = plane->domain().make_channel(1);
    const auto back = plane->domain().make_channel(1);
    constexpr int rounds = 200;
    const auto receive = [](shm::state_plane& p, shared_channel& c) {
        pending_wait w(c, 0, &pending_wait::receive);
        if (c.park(w) && !drive(p, [&] { return w.outcome != op_status::would_block; })) return -1;
        return w.outcome == op_status::done ? value_of<int>(w.message).value_or(-2) : -3;
    };
    const auto play = [&](bool first) {
        return [&, first, there_bytes = copy(encoded(*there)), back_bytes = copy(encoded(*back))](shm::state_plane& p) {
            decoder a(there_bytes.span());
            decoder b(back_bytes.span());
            const auto t = p.domain().take_channel(a);
            const auto r = p.domain().take_channel(b);
            for (int i = 0; i != rounds; ++i) {
                if (first) static_cast<void>(t->try_send(bytes_of(i)));
                if (receive(p, first ? *r : *t) != i) ::_exit(first ? 3 : 4);
                if (!first) static_cast<void>(r->try_send(bytes_of(i)));
            }
        };
    };
    const auto echoes = play(false);
    const auto plays = play(true);
    child echo = start(*plane, [&](shm::state_plane& p) { echoes(p); });
    child player = start(*plane, [&](shm::state_plane& p) { plays(p); });
    ASSERT_TRUE(shm::is_far(echo.id.slot) && shm::is_far(player.id.slot));
    EXPECT_EQ(supervise(*plane, player), 0);
    EXPECT_EQ(echo.wait(), 0);
    plane->recover(player.id);
    plane->recover(echo.id);
}

TEST(shm_far_process, what_it_held_is_recovered) {
    const auto plane = full_of_near_processes();
    const auto lock = plane->domain().make_lock();
    const auto semaphore = plane->domain().make_semaphore(3);
    const auto lock_bytes = encoded(*lock);
    const auto semaphore_bytes = encoded(*semaphore);
    child c = start(*plane, [&](shm::state_plane& p) {
        decoder a(lock_bytes.span());
        decoder b(semaphore_bytes.span());
        const auto l = p.domain().take_lock(a);
        const auto s = p.domain().take_semaphore(b);
        const auto own = p.domain().make_channel(4);
        bool died = false;
        static_cast<void>(l->try_lock(died));
        static_cast<void>(s->try_acquire(2));
        ::raise(SIGKILL);
    });
    ASSERT_TRUE(shm::is_far(c.id.slot));
    ASSERT_EQ(c.wait(), SIGKILL);
    EXPECT_EQ(semaphore->available(), 1u);
    bool died = false;
    EXPECT_EQ(lock->try_lock(died), op_status::would_block);
    plane->recover(c.id);
    EXPECT_EQ(semaphore->available(), 3u);
    EXPECT_EQ(lock->try_lock(died), op_status::done);
    EXPECT_TRUE(died);
    shm::object_table t(plane->memory(), plane->self());
    unsigned objects = 0;
    t.for_each([&](shm::object_ref, shm::object_phase) { ++objects; }, plane->processes().used_slots());
    EXPECT_EQ(objects, 2u);
}

TEST(shm_far_process, an_object_of_a_far_process_outlives_it_and_its_entry_is_used_again) {
    const auto plane = full_of_near_processes();
    const auto channel = plane->domain().make_channel(4);
    for (int round = 0; round != 3; ++round) {
        const auto channel_bytes = encoded(*channel);
        const int end = run(*plane, [&](shm::state_plane& p) {
            decoder a(channel_bytes.span());
            const auto out = p.domain().take_channel(a);
            const auto sem = p.domain().make_semaphore(7);
            if (sem->try_acquire(5) != op_status::done || sem->available() != 2) ::_exit(3);
            if (out->try_send(carrier(*sem).span(), true) != op_status::done) ::_exit(4);
        });
        ASSERT_EQ(end, 0);
        byte_buffer message;
        cadre::detail::held_objects held;
        ASSERT_EQ(channel->try_receive(message, &held), op_status::done);
        decoder d(message.span());
        EXPECT_EQ(plane->domain().take_semaphore(d)->available(), 7u);
    }
}

TEST(shm_slot_set, near_and_far_members) {
    shm::near_set near{};
    shm::word far[shm::far_groups]{};
    shm::slot_set set(near, far);
    EXPECT_TRUE(set.empty());
    for (const unsigned slot : {0u, 62u, 64u, 127u, 128u, 4159u}) {
        EXPECT_FALSE(set.contains(slot));
        set.insert(slot);
        EXPECT_TRUE(set.contains(slot));
    }
    std::vector<unsigned> found;
    set.for_each(0, shm::max_slots, [&](unsigned slot) {
        found.push_back(slot);
        return slot != 128;
    });
    EXPECT_EQ(found, (std::vector<unsigned>{0, 62, 64, 127, 128}));
    found.clear();
    set.for_each(63, 128, [&](unsigned slot) {
        found.push_back(slot);
        return true;
    });
    EXPECT_EQ(found, (std::vector<unsigned>{64, 127}));
    for (const unsigned slot : {0u, 62u, 64u, 127u, 128u})
        set.erase(slot);
    EXPECT_FALSE(set.any_but(4159));
    EXPECT_TRUE(set.any_but(4158));
    EXPECT_FALSE(set.empty());
    set.erase(4159);
    EXPECT_TRUE(set.empty());
}

TEST(shm_channel, positions_may_wrap) {
    for (const std::uint64_t cells : {std::uint64_t{1}, std::uint64_t{3}, std::uint64_t{4}}) {
        const auto plane = shm::state_plane::make(small_region);
        std::vector<std::byte> room(shm::channel_words::bytes(cells) + 64);
        auto* const data = room.data() + (64 - reinterpret_cast<std::uintptr_t>(room.data()) % 64) % 64;
        const std::uint64_t begin = ((std::uint64_t{1} << 48) - 5) / cells * cells;
        const shm::channel_words words(data, cells);
        for (std::uint64_t i = 0; i != cells; ++i)
            words.at(begin + i).state.store(shm::cell_word::make(begin + i, shm::cell_phase::free).raw);
        words.header().head.store(begin);
        words.header().tail.store(begin << 1);
        shm::channel_core<> core(plane->memory(), data, cells, plane->self());
        byte_buffer b;
        unsigned skipped = 0;
        EXPECT_EQ(core.receive(b, skipped), op_status::would_block);
        for (int i = 0; i < 40; i += static_cast<int>(cells)) {
            for (int j = i; j != i + static_cast<int>(cells); ++j)
                ASSERT_EQ(core.send(bytes_of(j)), op_status::done) << cells << " cells, message " << j;
            ASSERT_EQ(core.send(bytes_of(0)), op_status::would_block);
            ASSERT_EQ(core.size(), cells);
            for (int j = i; j != i + static_cast<int>(cells); ++j) {
                ASSERT_EQ(core.receive(b, skipped), op_status::done);
                ASSERT_EQ(value_of<int>(b), j);
            }
            ASSERT_EQ(core.receive(b, skipped), op_status::would_block);
        }
        core.close();
        EXPECT_EQ(core.receive(b, skipped), op_status::closed);
    }
}

}  // namespace
