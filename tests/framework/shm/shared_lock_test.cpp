// The shared lock of the plane: owners, sharers and waiters in several processes, and their deaths.

#include "framework/shm/waits_fixture.hpp"

#include <array>
#include <memory>

#include "shm/plane_locks.hpp"

namespace {

using namespace shm_test;
using shm::step;

std::shared_ptr<process_shared_lock> take_handle(shm::state_plane& p, const byte_buffer& message) {
    decoder d(message.span());
    return p.domain().take_shared_lock(d);
}

bool try_own(process_shared_lock& lock, bool expected_death = false) {
    bool died = !expected_death;
    if (lock.try_lock(died) != op_status::done) return false;
    EXPECT_EQ(died, expected_death);
    return true;
}
bool try_share(process_shared_lock& lock, bool expected_death = false) {
    bool died = !expected_death;
    if (lock.try_lock_shared(died) != op_status::done) return false;
    EXPECT_EQ(died, expected_death);
    return true;
}

TEST(shm_shared_lock, has_one_owner_or_many_sharers) {
    const auto plane = shm::state_plane::make(small_region);
    const auto lock = plane->domain().make_shared_lock();
    auto message = encoded(*lock);
    EXPECT_TRUE(try_share(*lock));
    EXPECT_TRUE(try_share(*lock));
    EXPECT_EQ(run(*plane,
                  [&](shm::state_plane& p) {
                      const auto l = take_handle(p, message);
                      if (try_own(*l) || !try_share(*l)) ::_exit(1);
                      l->unlock_shared();
                  }),
              0);
    lock->unlock_shared();
    EXPECT_FALSE(try_own(*lock));
    lock->unlock_shared();
    EXPECT_TRUE(try_own(*lock));
    EXPECT_FALSE(try_own(*lock) || try_share(*lock));
    lock->unlock();
}

TEST(shm_shared_lock, sharers_of_a_dead_process_are_forgotten) {
    const auto plane = shm::state_plane::make(small_region);
    const auto lock = plane->domain().make_shared_lock();
    for (const step s : {step::share_counted, step::share_ended}) {
        auto message = encoded(*lock);
        child c = start(*plane, [&](shm::state_plane& p) {
            const auto l = take_handle(p, message);
            static_cast<void>(try_share(*l));
            auto& plane_object = dynamic_cast<shm::plane_object<process_shared_lock>&>(*l);
            shm::object_handle& handle = plane_object.handle();
            shm::shared_lock_core<killer> core(handle.entry().lock, handle.data().data, p.self());
            bool died = false;
            killer::arm(s);
            static_cast<void>(core.try_lock_shared(died));
            static_cast<void>(core.unlock_shared());
        });
        ASSERT_EQ(c.wait(), SIGKILL);
        EXPECT_FALSE(try_own(*lock));
        waiting_lock<lock_mode::exclusive> w(*lock);
        ASSERT_TRUE(lock->park(w));
        EXPECT_FALSE(try_share(*lock));  // the waiter has claimed the lock
        plane->recover(c.id);
        EXPECT_TRUE(drive(*plane, [&] { return w.ended(); }));
        EXPECT_FALSE(w.owner_died);
        lock->unlock();
    }
}

TEST(shm_shared_lock, the_death_of_an_owner_is_reported_until_another_one_has_had_the_lock) {
    const auto plane = shm::state_plane::make(small_region);
    const auto lock = plane->domain().make_shared_lock();
    auto message = encoded(*lock);
    EXPECT_EQ(run(*plane,
                  [&](shm::state_plane& p) {
                      if (try_own(*take_handle(p, message))) ::kill(::getpid(), SIGKILL);
                  }),
              SIGKILL);
    EXPECT_TRUE(try_share(*lock, true));
    EXPECT_TRUE(try_share(*lock, true));
    lock->unlock_shared();
    lock->unlock_shared();
    EXPECT_TRUE(try_own(*lock, true));
    lock->unlock();
    EXPECT_TRUE(try_share(*lock));
    lock->unlock_shared();
}

TEST(shm_shared_lock, the_claim_of_a_dead_waiter_lets_others_in) {
    const auto plane = shm::state_plane::make(small_region);
    const auto lock = plane->domain().make_shared_lock();
    auto message = encoded(*lock);
    ASSERT_TRUE(try_share(*lock));
    const gate waits;
    child c = start(*plane, [&](shm::state_plane& p) {
        const auto l = take_handle(p, message);
        waiting_lock<lock_mode::exclusive> w(*l);
        if (l->park(w)) waits.open();
        ::pause();
    });
    waits.wait();
    EXPECT_FALSE(try_share(*lock));
    waiting_lock<lock_mode::shared> w(*lock);
    ASSERT_TRUE(lock->park(w));
    c.kill();
    c.wait();
    plane->recover(c.id);
    EXPECT_TRUE(drive(*plane, [&] { return w.ended(); }));
    EXPECT_FALSE(w.owner_died);
    lock->unlock_shared();
    lock->unlock_shared();
    EXPECT_TRUE(try_own(*lock));
    lock->unlock();
}

TEST(shm_shared_lock, a_cancelled_owner_lets_the_sharers_of_other_processes_in) {
    const auto plane = shm::state_plane::make(small_region);
    const auto lock = plane->domain().make_shared_lock();
    auto message = encoded(*lock);
    ASSERT_TRUE(try_share(*lock));
    waiting_lock<lock_mode::exclusive> w(*lock);
    ASSERT_TRUE(lock->park(w));
    const gate waits;
    child c = start(*plane, [&](shm::state_plane& p) {
        const auto l = take_handle(p, message);
        waiting_lock<lock_mode::shared> mine(*l);
        if (!l->park(mine)) ::_exit(1);
        waits.open();
        if (!drive(p, [&] { return mine.ended(); })) ::_exit(2);
        l->unlock_shared();
    });
    waits.wait();
    shared_object::cancel(w);
    EXPECT_EQ(c.wait(), 0);
    plane->recover(c.id);
    lock->unlock_shared();
    EXPECT_TRUE(try_own(*lock));
    lock->unlock();
}

struct guarded {
    std::atomic<std::uint64_t> a{0};
    std::atomic<std::uint64_t> b{0};
    std::atomic<std::uint64_t> torn{0};
    std::atomic<std::uint64_t> reads{0};
    std::atomic<std::uint64_t> stuck{0};
};

// A hundred rounds; --gtest_repeat for more.
TEST(shm_shared_lock, owners_sharers_and_waiters_are_killed_at_random) {
    const auto plane = shm::state_plane::make(small_region);
    const auto lock = plane->domain().make_shared_lock();
    report<guarded> g;
    const auto work = [&](unsigned seed) {
        auto message = std::make_shared<byte_buffer>(encoded(*lock));
        return [&, seed, message](shm::state_plane& p) {
            const auto l = take_handle(p, *message);
            for (unsigned n = seed;; ++n) {
                bool died = false;
                if (n % 3 == 0) {
                    if (!take<lock_mode::exclusive>(p, *l, died)) {
                        g->stuck.fetch_add(1);
                        ::_exit(1);
                    }
                    const auto a = g->a.load(std::memory_order_relaxed);
                    if (a != g->b.load(std::memory_order_relaxed) && !died) g->torn.fetch_add(1);
                    g->a.store(a + 1, std::memory_order_relaxed);
                    for (int i = 0; i != 20; ++i)
                        std::atomic_signal_fence(std::memory_order_seq_cst);
                    g->b.store(a + 1, std::memory_order_relaxed);
                    l->unlock();
                } else {
                    if (!take<lock_mode::shared>(p, *l, died)) {
                        g->stuck.fetch_add(1);
                        ::_exit(1);
                    }
                    const auto a = g->a.load(std::memory_order_relaxed);
                    if (g->b.load(std::memory_order_relaxed) != a && !died) g->torn.fetch_add(1);
                    g->reads.fetch_add(1);
                    l->unlock_shared();
                }
            }
        };
    };
    std::array<child, 3> workers{start(*plane, work(0)), start(*plane, work(1)), start(*plane, work(2))};
    for (unsigned round = 0; round != 100; ++round) {
        child& victim = workers[round % 3];
        ::usleep(round * 37 % 1500);
        victim.kill();
        ASSERT_EQ(victim.wait(), SIGKILL);
        plane->recover(victim.id);
        victim = start(*plane, work(round));
    }
    for (auto& w : workers) {
        w.kill();
        w.wait();
        plane->recover(w.id);
    }
    EXPECT_EQ(g->torn.load(), 0u);
    EXPECT_EQ(g->stuck.load(), 0u);
    EXPECT_GT(g->a.load(), 0u);
    EXPECT_GT(g->reads.load(), 0u);
    bool died = false;
    EXPECT_EQ(lock->try_lock(died), op_status::done);
    EXPECT_EQ(objects_in(*plane), 1u);
}

}  // namespace
