// The effects of a worker's death on the locks that it used, as other tasks observe them.

#include "guard.hpp"
#include "support.hpp"

#include <cadre/async_barrier.hpp>
#include <cadre/async_condition_variable.hpp>
#include <cadre/async_event.hpp>
#include <cadre/async_latch.hpp>
#include <cadre/async_mutex.hpp>
#include <cadre/async_shared_mutex.hpp>
#include <cadre/errors.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <csignal>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

task<void> read_until_killed(cadre::async_shared_mutex m, cadre::async_event inside) {
    auto guard = co_await m.lock_shared();
    inside.set();
    co_await cadre::sleep_for(1h);
}

task<void> write_until_killed(cadre::async_shared_mutex m, cadre::async_event inside) {
    auto guard = co_await m.lock();
    inside.set();
    co_await cadre::sleep_for(1h);
}

task<void> wait_until_notified(cadre::async_mutex m, cadre::async_condition_variable cv,
                               cadre::shared_array<int> waiting) {
    auto guard = co_await m.lock();
    ++waiting[0];
    co_await cv.wait(guard);
}

task<void> arrive(cadre::async_barrier b) { co_await b.arrive_and_wait(); }

task<void> kill_worker_of(cadre::job<void>& job) {
    ::kill(job.worker_pid(), SIGKILL);
    EXPECT_THROW(co_await job, cadre::worker_error);
}

class lock_death : public ::testing::Test {
protected:
    const hang_guard guard_;
    const executor ex_ = process_executor{{.workers = 2}};
};

TEST_F(lock_death, a_reader_is_forgotten) {
    run(
        [](executor ex) -> task<void> {
            cadre::async_shared_mutex m{ex};
            cadre::async_event inside{ex};
            auto reader = cadre::spawn(ex, read_until_killed, m, inside);
            co_await inside.wait();
            auto write = [](cadre::async_shared_mutex mutex) -> task<int> {
                auto guard = co_await mutex.lock();
                EXPECT_FALSE(guard.owner_died());
                co_return 0;
            };
            (void)co_await cadre::when_all(write(m), kill_worker_of(reader));
        },
        ex_);
}

TEST_F(lock_death, the_death_of_a_writer_is_reported) {
    run(
        [](executor ex) -> task<void> {
            cadre::async_shared_mutex m{ex};
            cadre::async_event inside{ex};
            auto writer = cadre::spawn(ex, write_until_killed, m, inside);
            co_await inside.wait();
            auto read = [](cadre::async_shared_mutex mutex) -> task<int> {
                auto guard = co_await mutex.lock_shared();
                EXPECT_TRUE(guard.owner_died());
                co_return 0;
            };
            (void)co_await cadre::when_all(read(m), read(m), kill_worker_of(writer));
            EXPECT_TRUE((co_await m.lock()).owner_died());
            EXPECT_FALSE((co_await m.lock_shared()).owner_died());
        },
        ex_);
}

TEST_F(lock_death, notifications_reach_a_waiter_that_lives) {
    run(
        [](executor ex) -> task<void> {
            cadre::async_mutex m{ex};
            cadre::async_condition_variable cv{ex};
            cadre::shared_array<int> waiting{ex, 1};
            auto victim = cadre::spawn(ex, wait_until_notified, m, cv, waiting);
            auto survivor = cadre::spawn(ex, wait_until_notified, m, cv, waiting);
            for (bool both = false; !both; co_await cadre::sleep_for(1ms)) {
                auto guard = co_await m.lock();
                both = waiting[0] == 2;
            }
            const bool apart = victim.worker_pid() != survivor.worker_pid();
            co_await kill_worker_of(victim);
            cv.notify_one();
            if (apart) co_await survivor;
        },
        ex_);
}

TEST_F(lock_death, a_barrier_whose_participant_died_is_left_by_cancellation_only) {
    run(
        [](executor ex) -> task<void> {
            cadre::async_barrier b{ex, 3};
            cadre::async_latch l{ex, 2};
            cadre::async_event never{ex};
            cadre::async_shared_mutex m{ex};
            cadre::async_event inside{ex};
            auto participant = cadre::spawn(ex, read_until_killed, m, inside);  // dies before it arrives
            co_await inside.wait();
            auto other = cadre::spawn(ex, arrive, b);
            co_await kill_worker_of(participant);
            EXPECT_THROW(co_await cadre::timeout(50ms, b.arrive_and_wait()), cadre::timed_out);
            other.request_stop();
            try {
                co_await other;
                ADD_FAILURE() << "the barrier has opened";
            } catch (const cadre::cancelled&) {
            } catch (const cadre::worker_error&) {
                co_return;  // it sat in the same worker, and its arrival stays
            }
            l.count_down();
            EXPECT_THROW(co_await cadre::timeout(5ms, l.wait()), cadre::timed_out);
            EXPECT_THROW(co_await cadre::timeout(5ms, never.wait()), cadre::timed_out);
        // The executor and the objects go on.
            auto again = cadre::spawn(ex, arrive, b);
            b.drop();
            co_await b.arrive_and_wait();
            co_await again;
        },
        ex_);
}

}  // namespace
