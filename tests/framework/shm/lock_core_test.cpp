#include "framework/shm/lock_fixture.hpp"

#include <array>
#include <thread>
#include <vector>

#include "shm/object_table.hpp"
#include "shm/semaphore_core.hpp"

namespace {

using namespace shm_test;
using cadre::detail::process_lock;
using cadre::detail::shared_semaphore;
using shm::step;

TEST(shm_lock, excludes_and_reports_the_death_of_its_owner) {
    const auto plane = shm::state_plane::make(small_region);
    const auto lock = plane->domain().make_lock();
    expect_free(*lock);
    bool died = true;
    EXPECT_EQ(lock->try_lock(died), op_status::would_block);
    lock->unlock();

    child c = start(*plane, [&](shm::state_plane& p) {
        killer::arm(step::lock_held);
        bool d = false;
        static_cast<void>(shm::lock_core<killer>(only_entry(p).lock, p.self()).try_lock(d));
    });
    ASSERT_EQ(c.wait(), SIGKILL);
    EXPECT_EQ(lock->try_lock(died), op_status::would_block);
    plane->recover(c.id);
    expect_free(*lock, true);
    lock->unlock();
    expect_free(*lock);
    lock->unlock();
}

TEST(shm_lock, a_grant_to_a_dead_process_is_revoked_without_owner_died) {
    const auto plane = shm::state_plane::make(small_region);
    const auto lock = plane->domain().make_lock();
    bool died = true;
    const auto id = plane->claim_slot();
    shm::lock_core<> core(only_entry(*plane).lock, plane->self());
    EXPECT_FALSE(core.holder());
    ASSERT_EQ(lock->try_lock(died), op_status::done);
    EXPECT_EQ(core.holder(), plane->self());
    ASSERT_TRUE(core.grant(*id));
    EXPECT_FALSE(core.holder());
    EXPECT_EQ(lock->try_lock(died), op_status::would_block);
    plane->recover(*id);
    expect_free(*lock);
    lock->unlock();
}

TEST(shm_lock, the_granter_may_die_at_once) {
    const auto plane = shm::state_plane::make(small_region);
    const auto lock = plane->domain().make_lock();
    const shm::process_id parent = plane->self();
    for (const step s : {step::lock_granted, step::lock_freed}) {
        child c = start(*plane, [&](shm::state_plane& p) {
            shm::lock_core<killer> core(only_entry(p).lock, p.self());
            bool d = false;
            static_cast<void>(core.try_lock(d));
            killer::arm(s);
            static_cast<void>(s == step::lock_granted ? core.grant(parent) : core.unlock());
        });
        ASSERT_EQ(c.wait(), SIGKILL);
        plane->recover(c.id);
        expect_free(*lock);
        lock->unlock();
    }
}

TEST(shm_lock, a_grant_to_a_process_that_stopped_waiting_is_revoked_after_the_death_of_the_granter) {
    const auto plane = shm::state_plane::make(small_region);
    const auto lock = plane->domain().make_lock();
    const auto bystander = plane->claim_slot();
    ASSERT_EQ(run(*plane, [&](shm::state_plane& p) { grant_and_die(p, *bystander); }), SIGKILL);
    expect_free(*lock);
}

struct guarded {
    std::atomic<std::uint64_t> a{0};
    std::atomic<std::uint64_t> b{0};
    std::atomic<std::uint64_t> torn{0};
    std::atomic<std::uint64_t> deaths_seen{0};
};

TEST(shm_lock, holders_are_killed_at_random) {
    const auto plane = shm::state_plane::make(small_region);
    const auto lock = plane->domain().make_lock();
    report<guarded> g;
    const auto work = [&](shm::state_plane& p) {
        shm::lock_core<> core(only_entry(p).lock, p.self());
        for (;;) {
            bool died = false;
            if (core.try_lock(died) != op_status::done) {
                std::this_thread::yield();
                continue;
            }
            const auto a = g->a.load(std::memory_order_relaxed);
            const auto b = g->b.load(std::memory_order_relaxed);
            if (a != b && !died) g->torn.fetch_add(1);
            if (died) g->deaths_seen.fetch_add(1);
            g->a.store(a + 1, std::memory_order_relaxed);
            for (int i = 0; i != 20; ++i)
                std::atomic_signal_fence(std::memory_order_seq_cst);
            g->b.store(a + 1, std::memory_order_relaxed);
            core.unlock();
        }
    };
    std::array<child, 3> workers{start(*plane, work), start(*plane, work), start(*plane, work)};
    for (int round = 0; round != 600; ++round) {
        child& victim = workers[static_cast<unsigned>(round) % 3];
        ::usleep(static_cast<useconds_t>(round * 7 % 500));
        victim.kill();
        ASSERT_EQ(victim.wait(), SIGKILL);
        plane->recover(victim.id);
        victim = start(*plane, work);
    }
    for (auto& w : workers) {
        w.kill();
        w.wait();
        plane->recover(w.id);
    }
    EXPECT_EQ(g->torn.load(), 0u);
    EXPECT_GT(g->a.load(), 1000u);
    bool died = false;
    EXPECT_EQ(lock->try_lock(died), op_status::done);
}

TEST(shm_semaphore, counts_permits) {
    const auto plane = shm::state_plane::make(small_region);
    const auto s = plane->domain().make_semaphore(2);
    EXPECT_EQ(s->try_acquire(1), op_status::done);
    EXPECT_EQ(s->try_acquire(1), op_status::done);
    EXPECT_EQ(s->try_acquire(1), op_status::would_block);
    s->give_back(1);
    EXPECT_EQ(s->available(), 1u);
    EXPECT_TRUE(s->release(3));
    EXPECT_EQ(s->available(), 4u);
    s->give_back(5);  // only one is held
    EXPECT_EQ(s->available(), 4u);
    EXPECT_EQ(s->try_acquire(4), op_status::done);
    EXPECT_EQ(s->try_acquire(1), op_status::would_block);
    s->give_back(5);
    EXPECT_EQ(s->available(), 5u);
    EXPECT_EQ(s->try_acquire(6), op_status::would_block);
}

TEST(shm_semaphore, an_overflow_changes_nothing) {
    const auto plane = shm::state_plane::make(small_region);
    const auto s = plane->domain().make_semaphore(0xffff'fffeu);
    EXPECT_EQ(s->try_acquire(0xffff'fff0u), op_status::done);
    EXPECT_FALSE(s->release(2));
    EXPECT_EQ(s->available(), 14u);
    EXPECT_TRUE(s->release(1));
    s->give_back(0xffff'fff0u);
    EXPECT_EQ(s->available(), 0xffff'ffffu);
    EXPECT_EQ(s->try_acquire(3), op_status::done);
    s->forget(2);
    s->forget(2);  // only one is held
    EXPECT_TRUE(s->release(2));
    EXPECT_FALSE(s->release(1));
    s->give_back(1);
    EXPECT_EQ(s->available(), 0xffff'ffffu);
}

TEST(shm_semaphore, a_process_may_die_at_every_step) {
    for (const auto last :
         {shm::permit_word::note::acquire, shm::permit_word::note::give_back, shm::permit_word::note::forget})
        for (const step s : {step::permit_claimed, step::permit_counted})
            for (const bool helped : {false, true}) {
                const std::uint32_t lost = last == shm::permit_word::note::forget ? 2 : 0;
                const auto plane = shm::state_plane::make(small_region);
                const auto sem = plane->domain().make_semaphore(9);
                shm::object_table t(plane->memory(), plane->self());
                std::byte* data = nullptr;
                t.for_each([&](shm::object_ref o, shm::object_phase) { data = t.data_of(o)->data; });
                const std::ptrdiff_t at = data - plane->memory().at<std::byte>(0);
                child c = start(*plane, [&](shm::state_plane& p) {
                    shm::semaphore_core<killer> core(p.memory().at<std::byte>(static_cast<std::uint64_t>(at)),
                                                     p.memory().slots(), p.self());
                    for (int i = 0; i != 3; ++i)
                        static_cast<void>(core.try_acquire());
                    killer::arm(s);
                    if (last == shm::permit_word::note::acquire)
                        static_cast<void>(core.try_acquire(2));
                    else if (last == shm::permit_word::note::give_back)
                        core.give_back(2);
                    else
                        core.forget(2);
                });
                ASSERT_EQ(c.wait(), SIGKILL);
                EXPECT_EQ(sem->available(), last == shm::permit_word::note::acquire     ? 4u
                                            : last == shm::permit_word::note::give_back ? 8u
                                                                                        : 6u);
                if (helped) {
                    EXPECT_EQ(sem->try_acquire(1), op_status::done);
                    sem->give_back(1);
                    EXPECT_TRUE(sem->release(2));
                }
                plane->recover(c.id);
                EXPECT_EQ(sem->available(), (helped ? 11u : 9u) - lost);
            }
}

/// Blocks at `permit_seen` until it is released.
struct sleeper {
    static inline std::atomic<int>* state = nullptr;
    static void at(step s) noexcept {
        if (s != step::permit_seen || state->load() != 0) return;
        state->store(1);
        state->notify_all();
        state->wait(1);
    }
};

TEST(shm_semaphore, a_helper_may_be_late_by_as_many_operations_as_a_note_distinguishes) {
    const auto plane = shm::state_plane::make(small_region);
    std::vector<std::byte> room(shm::semaphore_core<>::bytes(plane->memory().slots()) + 64);
    auto* const data = room.data() + (64 - reinterpret_cast<std::uintptr_t>(room.data()) % 64) % 64;
    shm::semaphore_core<>::initialise(data, 5);
    const shm::process_id owner{1, 1};
    shm::semaphore_core<> core(data, plane->memory().slots(), owner);
    // The owner's note stands there, and another process is about to help.
    shm::word& word = reinterpret_cast<shm::semaphore_data*>(data)->state;
    const auto note = shm::permit_word::make(4, shm::permit_word::note::acquire, owner.slot, 1);
    word.store(note.raw);
    std::atomic<int> state{0};
    sleeper::state = &state;
    std::thread helper([&] {
        shm::semaphore_core<sleeper> late(data, plane->memory().slots(), {2, 1});
        EXPECT_EQ(late.try_acquire(), op_status::done);
    });
    state.wait(0);
    // Meanwhile the owner continues until its next note would have the same number.
    ASSERT_EQ(core.try_acquire(), op_status::done);
    for (std::uint32_t i = 2; i != shm::permit_word::number_mask + 1; ++i)
        ASSERT_TRUE(i % 2 == 0 ? core.give_back() : core.try_acquire() == op_status::done);
    const std::uint32_t before = core.available();
    state.store(2);
    state.notify_all();
    helper.join();
    EXPECT_EQ(core.available(), before - 1);
    // Exactly the permits of the owner are freed.
    core.recover(owner);
    EXPECT_EQ(core.available(), 4u);
}

TEST(shm_semaphore, permits_of_killed_processes_are_freed) {
    const auto plane = shm::state_plane::make(small_region);
    const auto sem = plane->domain().make_semaphore(7);
    const shm::object_table t(plane->memory(), plane->self());
    std::byte* data = nullptr;
    t.for_each([&](shm::object_ref o, shm::object_phase) { data = t.data_of(o)->data; });
    const auto at = static_cast<std::uint64_t>(data - plane->memory().at<std::byte>(0));
    const auto work = [&](shm::state_plane& p) {
        shm::semaphore_core<> core(p.memory().at<std::byte>(at), p.memory().slots(), p.self());
        for (unsigned i = 0;; ++i) {
            const std::uint32_t n = i % 3 + 1;
            const bool some = core.try_acquire(n) == op_status::done;
            const bool one = core.try_acquire() == op_status::done;
            if (i % 16 == 0) std::this_thread::yield();
            if (some) core.give_back(n);
            if (one) core.give_back();
        }
    };
    std::array<child, 3> workers{start(*plane, work), start(*plane, work), start(*plane, work)};
    for (int round = 0; round != 600; ++round) {
        child& victim = workers[static_cast<unsigned>(round) % 3];
        ::usleep(static_cast<useconds_t>(round * 7 % 300));
        victim.kill();
        ASSERT_EQ(victim.wait(), SIGKILL);
        plane->recover(victim.id);
        ASSERT_LE(sem->available(), 7u);
        victim = start(*plane, work);
    }
    for (auto& w : workers) {
        w.kill();
        w.wait();
        plane->recover(w.id);
    }
    EXPECT_EQ(sem->available(), 7u);
}

}  // namespace
