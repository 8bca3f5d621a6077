#include "shm/process_spin.hpp"

#include <cadre/executors/serial.hpp>
#include <cadre/job.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/this_task.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <utility>

namespace {

using cadre::detail::shm::process_spin;

constexpr cadre::detail::shm::spin_times times{.first = std::chrono::nanoseconds(100), .polls = 3};
constexpr auto always = [] { return true; };

TEST(process_spin, polls_a_few_times_while_the_event_is_expected) {
    int polls = 0;
    const auto app = [&]() -> cadre::task<void> {
        EXPECT_TRUE(process_spin(times, always, [&] { return ++polls == 2; }));
        EXPECT_EQ(polls, 2);
        polls = 0;
        EXPECT_FALSE(process_spin(times, always, [&] { return ++polls < 0; }));
        EXPECT_EQ(polls, 3);
        polls = 0;
        EXPECT_FALSE(process_spin(times, [&] { return polls == 0; }, [&] { return ++polls < 0; }));
        EXPECT_EQ(polls, 1);
        EXPECT_FALSE(process_spin(times, [] { return false; }, always));
        co_return;
    };
    cadre::sync_wait(app());
}

TEST(process_spin, does_not_delay_other_tasks) {
    int spins = 0;
    const auto child = [&]() -> cadre::task<void> {
        spins += process_spin(times, always, always) ? 1 : 0;
        co_return;
    };
    const auto app = [&]() -> cadre::task<void> { co_await cadre::when_all(child(), child()); };
    cadre::sync_wait(app());
    EXPECT_EQ(spins, 1);  // of the last one
}

int spins_of_queued = 0;
cadre::task<void> count_spin() {
    spins_of_queued += process_spin(times, always, always) ? 1 : 0;
    co_return;
}

TEST(process_spin, does_not_delay_tasks_that_its_loop_has_queued) {
    const auto app = []() -> cadre::task<void> {
        const cadre::executor here = co_await cadre::this_task::executor();
        cadre::job<void> first = cadre::spawn(here, count_spin);
        cadre::job<void> second = cadre::spawn(here, count_spin);
        co_await std::move(first);  // is ready when the second one runs
        co_await std::move(second);
    };
    cadre::sync_wait(app());
    EXPECT_EQ(spins_of_queued, 0);
}

TEST(process_spin, a_thread_without_tasks_does_not_spin) { EXPECT_FALSE(process_spin(times, always, always)); }

TEST(process_spin, an_order_that_a_seed_fixes_does_not_depend_on_other_processes) {
    const cadre::executor ex = cadre::serial_executor{{.seed = 7}};
    const auto app = [ex]() -> cadre::task<void> {
        co_await cadre::on(ex, []() -> cadre::task<void> {
            EXPECT_FALSE(process_spin(times, always, always));
            co_return;
        });
    };
    cadre::sync_wait(app());
}

}  // namespace
