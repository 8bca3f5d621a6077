// Waiting for objects of the plane, and being rung by other processes.

#include "framework/shm/plane_fixture.hpp"

#include <thread>
#include <vector>

#include <cadre/errors.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>

namespace {

using namespace shm_test;

TEST(shm_waiting, a_waiting_receiver_is_rung_from_another_process) {
    const auto plane = shm::state_plane::make(small_region);
    auto channel = plane->domain().make_channel(4);
    for (int i = 0; i != 50; ++i) {
        pending_wait w(*channel, 0, &pending_wait::receive);
        ASSERT_TRUE(channel->park(w));
        EXPECT_TRUE(channel->has_waiters(0));
        auto message = encoded(*channel);
        child c = start(*plane, [&](shm::state_plane& p) {
            decoder d(message.span());
            static_cast<void>(p.domain().take_channel(d)->try_send(bytes_of(i)));
        });
        EXPECT_TRUE(drive(*plane, [&] { return w.outcome != op_status::would_block; }));
        EXPECT_EQ(w.outcome, op_status::done);
        EXPECT_EQ(value_of<int>(w.message), i);
        EXPECT_EQ(c.wait(), 0);
        plane->recover(c.id);
    }
}

TEST(shm_waiting, ping_pong_between_processes_loses_no_wake_up) {
    const auto plane = shm::state_plane::make(small_region);
    auto there = plane->domain().make_channel(1);
    auto back = plane->domain().make_channel(1);
    auto m1 = encoded(*there);
    auto m2 = encoded(*back);
    constexpr int rounds = 20'000;
    const auto receive = [](shm::state_plane& p, shared_channel& c) {
        pending_wait w(c, 0, &pending_wait::receive);
        if (c.park(w) && !drive(p, [&] { return w.outcome != op_status::would_block; })) return -1;
        return w.outcome == op_status::done ? value_of<int>(w.message).value_or(-2) : -3;
    };
    child c = start(*plane, [&](shm::state_plane& p) {
        decoder d1(m1.span());
        decoder d2(m2.span());
        const auto in = p.domain().take_channel(d1);
        const auto out = p.domain().take_channel(d2);
        for (int i = 0; i != rounds; ++i) {
            if (receive(p, *in) != i) ::_exit(1);
            if (out->try_send(bytes_of(i)) != op_status::done) ::_exit(2);
        }
    });
    for (int i = 0; i != rounds; ++i) {
        ASSERT_EQ(there->try_send(bytes_of(i)), op_status::done);
        ASSERT_EQ(receive(*plane, *back), i);
    }
    EXPECT_EQ(c.wait(), 0);
    plane->recover(c.id);
}

TEST(shm_waiting, an_awake_process_with_pending_bits_needs_no_second_ring) {
    using ring_result = shm::process_table::ring_result;
    const auto plane = shm::state_plane::make(small_region);
    shm::process_table& table = plane->processes();
    const auto other = plane->claim_slot();
    ASSERT_TRUE(other);
    const auto set_loop = [&](shm::loop_state s) {
        plane->memory().process(other->slot).loop.store(static_cast<std::uint32_t>(s));
    };
    set_loop(shm::loop_state::polling);
    EXPECT_FALSE(table.rung(other->slot, 1));
    EXPECT_EQ(table.ring(other->slot, 1), ring_result::polling);
    EXPECT_EQ(table.rung(other->slot, 1), ring_result::polling);
    EXPECT_FALSE(table.rung(other->slot, 2));
    EXPECT_FALSE(table.rung(other->slot, 3));
    set_loop(shm::loop_state::busy);
    EXPECT_EQ(table.rung(other->slot, 1), ring_result::deferred);
    // The process that set the bits may have died before it woke the sleeper.
    set_loop(shm::loop_state::asleep);
    EXPECT_FALSE(table.rung(other->slot, 1));
    // A busy parent does not poll; its supervisor, which may sleep, does.
    plane->memory().process(0).loop.store(static_cast<std::uint32_t>(shm::loop_state::busy));
    static_cast<void>(table.ring(0, 1));
    EXPECT_FALSE(table.rung(0, 1));
}

TEST(shm_waiting, only_a_busy_process_on_another_cpu_runs_elsewhere) {
    const auto plane = shm::state_plane::make(small_region);
    const shm::process_table& table = plane->processes();
    const auto other = plane->claim_slot();
    ASSERT_TRUE(other);
    shm::process_entry& entry = plane->memory().process(other->slot);
    EXPECT_FALSE(table.runs_elsewhere(*other));  // it has not published its CPU
    entry.cpu.store(1'000'000);
    EXPECT_TRUE(table.runs_elsewhere(*other));
    for (const auto s : {shm::loop_state::polling, shm::loop_state::asleep}) {
        entry.loop.store(static_cast<std::uint32_t>(s));
        EXPECT_FALSE(table.runs_elsewhere(*other));
    }
    EXPECT_FALSE(table.runs_elsewhere(plane->self()));
    EXPECT_FALSE(table.runs_elsewhere({plane->memory().slots(), 1}));  // from a damaged word
}

// `park` names the object of an operation, and a select leaves that to it.
TEST(shm_waiting, an_operation_that_a_spin_tries_knows_its_object) {
    const auto plane = shm::state_plane::make(small_region);
    const auto other = plane->claim_slot();
    ASSERT_TRUE(other);
    plane->memory().process(other->slot).cpu.store(1'000'000);  // it computes elsewhere
    const auto channel = plane->domain().make_channel(16);
    const auto lock = plane->domain().make_lock();
    const auto app = [&]() -> cadre::task<void> {
        for (int i = 0; i != 16; ++i)
            EXPECT_EQ(channel->try_send(bytes_of(i)), op_status::done);
        byte_buffer message;
        for (int i = 0; i != 8; ++i)  // a stream
            EXPECT_EQ(channel->try_receive(message), op_status::done);
        pending_wait receives(*channel, 0, &pending_wait::receive);
        receives.object = nullptr;
        EXPECT_FALSE(channel->park(receives));
        EXPECT_EQ(value_of<int>(receives.message), 8);
        pending_wait locks(*lock, 0, &pending_wait::lock);
        locks.object = nullptr;
        EXPECT_FALSE(lock->park(locks));
        EXPECT_EQ(locks.outcome, op_status::done);
        lock->unlock();
        co_return;
    };
    cadre::sync_wait(app());
}

TEST(shm_waiting, a_cancelled_waiter_passes_the_ring_on) {
    const auto plane = shm::state_plane::make(small_region);
    auto channel = plane->domain().make_channel(4);
    auto message = encoded(*channel);
    const gate waits;
    child c = start(*plane, [&](shm::state_plane& p) {
        decoder d(message.span());
        const auto in = p.domain().take_channel(d);
        pending_wait w(*in, 0, &pending_wait::receive);
        if (!in->park(w)) ::_exit(1);
        waits.open();
        if (!drive(p, [&] { return w.outcome != op_status::would_block; })) ::_exit(2);
        if (value_of<int>(w.message) != 5) ::_exit(3);
    });
    waits.wait();
    pending_wait w(*channel, 0, &pending_wait::receive);
    ASSERT_TRUE(channel->park(w));
    // A third process rings one of the two; if it is us, we leave without taking.
    auto message2 = encoded(*channel);
    EXPECT_EQ(run(*plane,
                  [&](shm::state_plane& p) {
                      decoder d(message2.span());
                      static_cast<void>(p.domain().take_channel(d)->try_send(bytes_of(5)));
                  }),
              0);
    shared_object::cancel(w);
    EXPECT_EQ(w.outcome, op_status::would_block);
    EXPECT_EQ(c.wait(), 0);
    plane->recover(c.id);
}

TEST(shm_waiting, locks_are_granted_to_other_processes) {
    const auto plane = shm::state_plane::make(small_region);
    auto lock = plane->domain().make_lock();
    auto message = encoded(*lock);
    report<std::atomic<bool>> had_it;
    const gate waits;
    bool died = false;
    ASSERT_EQ(lock->try_lock(died), op_status::done);
    child c = start(*plane, [&](shm::state_plane& p) {
        decoder d(message.span());
        const auto l = p.domain().take_lock(d);
        pending_wait w(*l, 0, &pending_wait::lock);
        if (!l->park(w)) ::_exit(1);
        waits.open();
        if (!drive(p, [&] { return w.outcome != op_status::would_block; })) ::_exit(2);
        had_it->store(true);
        l->unlock();
    });
    waits.wait();
    // We barge as fast as we can, and still it gets its turn.
    int rounds = 0;
    for (; !had_it->load() && rounds != 100'000'000; ++rounds) {
        lock->unlock();
        while (lock->try_lock(died) != op_status::done)
            std::this_thread::yield();
    }
    EXPECT_TRUE(had_it->load());
    EXPECT_EQ(c.wait(), 0);
    plane->recover(c.id);
    EXPECT_FALSE(died);
}

TEST(shm_waiting, waiters_learn_of_a_dead_owner) {
    const auto plane = shm::state_plane::make(small_region);
    auto lock = plane->domain().make_lock();
    auto message = encoded(*lock);
    const gate holds;
    child c = start(*plane, [&](shm::state_plane& p) {
        decoder d(message.span());
        const auto l = p.domain().take_lock(d);
        bool died = false;
        static_cast<void>(l->try_lock(died));
        holds.open();
        ::pause();
    });
    holds.wait();
    pending_wait w(*lock, 0, &pending_wait::lock);
    ASSERT_TRUE(lock->park(w));
    c.kill();
    c.wait();
    plane->recover(c.id);
    EXPECT_TRUE(drive(*plane, [&] { return w.outcome != op_status::would_block; }));
    EXPECT_EQ(w.outcome, op_status::done);
}

TEST(shm_waiting, shut_down_ends_waits_and_operations) {
    const auto plane = shm::state_plane::make(small_region);
    auto& domain = plane->open_domain();
    auto channel = domain.make_channel(1);
    auto other = plane->domain().make_channel(1);
    pending_wait w(*channel, 0, &pending_wait::receive);
    ASSERT_TRUE(channel->park(w));
    plane->shut_down(domain.id());
    EXPECT_TRUE(drive(*plane, [&] { return w.outcome != op_status::would_block; }));
    EXPECT_EQ(w.outcome, op_status::stopped);
    EXPECT_EQ(channel->try_send(bytes_of(1)), op_status::stopped);
    EXPECT_THROW(static_cast<void>(domain.make_lock()), cadre::executor_stopped);
    EXPECT_EQ(other->try_send(bytes_of(1)), op_status::done);
}

TEST(shm_waiting, threads_of_one_process) {
    const auto plane = shm::state_plane::make(small_region);
    auto channel = plane->domain().make_channel(3);
    constexpr int each = 20'000;
    std::atomic<long> sum{0};
    std::atomic<int> received{0};
    std::vector<std::thread> threads;
    for (int t = 0; t != 2; ++t)
        threads.emplace_back([&] {
            for (int i = 1; i <= each; ++i)
                while (channel->try_send(bytes_of(i)) != op_status::done)
                    std::this_thread::yield();
        });
    for (int t = 0; t != 2; ++t)
        threads.emplace_back([&] {
            byte_buffer b;
            while (received.load() < 2 * each) {
                if (channel->try_receive(b) != op_status::done) {
                    std::this_thread::yield();
                    continue;
                }
                sum.fetch_add(value_of<int>(b).value_or(0));
                received.fetch_add(1);
            }
        });
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(sum.load(), 2L * each * (each + 1) / 2);
}

}  // namespace
