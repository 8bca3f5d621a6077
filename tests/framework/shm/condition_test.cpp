// The condition variable of the plane, and waits for changes of a block: several processes, and their deaths.

#include "framework/shm/waits_fixture.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <thread>

namespace {

using namespace shm_test;

std::shared_ptr<shared_condition> take_handle(shm::state_plane& p, const byte_buffer& message) {
    decoder d(message.span());
    return p.domain().take_condition(d);
}

TEST(shm_condition, a_notification_wakes_one_waiter_of_any_process) {
    const auto plane = shm::state_plane::make(small_region);
    const auto condition = plane->domain().make_condition();
    condition->notify(1);  // nobody waits: it is gone
    std::array<byte_buffer, 2> messages{encoded(*condition), encoded(*condition)};
    report<std::atomic<int>> ended;
    const std::array<gate, 2> waits;
    const auto wait = [&](const byte_buffer& message, const gate& parked) {
        return [&](shm::state_plane& p) {
            const auto c = take_handle(p, message);
            waiting_for_notification w(*c);
            if (!w.park()) ::_exit(1);
            parked.open();
            if (!drive(p, [&] { return w.ended(); })) ::_exit(2);
            ended->fetch_add(1);
        };
    };
    std::array<child, 2> waiters{start(*plane, wait(messages[0], waits[0])),
                                 start(*plane, wait(messages[1], waits[1]))};
    waiting_for_notification mine(*condition);
    ASSERT_TRUE(mine.park());
    for (const gate& g : waits)
        g.wait();
    const auto count = [&] { return ended->load() + (mine.ended() ? 1 : 0); };
    for (int i = 1; i != 4; ++i) {
        condition->notify(1);
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (count() != i && std::chrono::steady_clock::now() < limit)
            if (!plane->source().poll())
                std::this_thread::yield();  // no process rings this one when it is another's turn
        ASSERT_EQ(count(), i);
    }
    for (child& c : waiters) {
        EXPECT_EQ(c.wait(), 0);
        plane->recover(c.id);
    }
}

TEST(shm_condition, a_notification_of_a_process_that_dies_goes_to_another_waiter) {
    for (int round = 0; round != 100; ++round) {
        const auto plane = shm::state_plane::make(small_region);
        const auto condition = plane->domain().make_condition();
        auto message = encoded(*condition);
        const gate waits;
        child c = start(*plane, [&](shm::state_plane& p) {
            const auto mine = take_handle(p, message);
            waiting_for_notification w(*mine);
            if (w.park()) waits.open();
            ::pause();  // it never looks at its notification
        });
        waits.wait();
        if (round % 2 == 0) {
            condition->notify(1);  // to the only waiter
            waiting_for_notification w(*condition);
            ASSERT_TRUE(w.park());
            c.kill();
            c.wait();
            plane->recover(c.id);
            EXPECT_TRUE(drive(*plane, [&] { return w.ended(); }));
        } else {
            // A waiter that dies takes no notification with it.
            c.kill();
            c.wait();
            plane->recover(c.id);
            waiting_for_notification w(*condition);
            ASSERT_TRUE(w.park());
            condition->notify(1);
            EXPECT_TRUE(drive(*plane, [&] { return w.ended(); }));
        }
        condition->notify(1);
        waiting_for_notification late(*condition);
        EXPECT_TRUE(late.park());
        shared_object::cancel(late);
    }
}

TEST(shm_condition, a_cancelled_waiter_takes_no_notification) {
    const auto plane = shm::state_plane::make(small_region);
    const auto condition = plane->domain().make_condition();
    waiting_for_notification first(*condition);
    waiting_for_notification second(*condition);
    ASSERT_TRUE(first.park() && second.park());
    shared_object::cancel(first);
    condition->notify(1);
    EXPECT_TRUE(second.ended());
    EXPECT_FALSE(first.ended());
}

TEST(shm_block, a_change_whose_process_died_before_it_announced_it_is_seen) {
    const auto plane = shm::state_plane::make(small_region);
    const auto block = plane->domain().make_block(64, 64);
    auto message = encoded(*block);
    waiting_for_word w(*block);
    ASSERT_TRUE(block->park(w));
    EXPECT_EQ(run(*plane,
                  [&](shm::state_plane& p) {
                      decoder d(message.span());
                      cadre::detail::block_word(*p.domain().take_block(d), 0).store(1);
                      ::kill(::getpid(), SIGKILL);
                  }),
              SIGKILL);
    EXPECT_TRUE(drive(*plane, [&] { return w.ended(); }));
}

TEST(shm_block, every_waiting_process_sees_a_change) {
    const auto plane = shm::state_plane::make(small_region);
    const auto block = plane->domain().make_block(64, 64);
    std::array<byte_buffer, 3> messages{encoded(*block), encoded(*block), encoded(*block)};
    std::array<child, 3> waiters;
    for (unsigned i = 0; i != 3; ++i)
        waiters[i] = start(*plane, [&, i](shm::state_plane& p) {
            decoder d(messages[i].span());
            const auto mine = p.domain().take_block(d);
            waiting_for_word w(*mine);
            if (mine->park(w) && !drive(p, [&] { return w.ended(); })) ::_exit(1);
        });
    waiting_for_word w(*block);
    ASSERT_TRUE(block->park(w));
    cadre::detail::block_word(*block, 0).store(1);
    block->notify();
    EXPECT_TRUE(w.ended());
    for (child& c : waiters) {
        EXPECT_EQ(c.wait(), 0);
        plane->recover(c.id);
    }
}

}  // namespace
