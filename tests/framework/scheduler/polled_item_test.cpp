// An item that its home polls for is resumed once: by the poll, or through the queue if the home has stopped polling.
#include <cadre/detail/scheduler/resume_item.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include <gtest/gtest.h>

#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/on.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/when_all.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::task;

// A loop whose driver is the test.
class polled_item : public ::testing::Test {
protected:
    class counted final : public cadre::detail::polled_item {
    public:
        explicit counted(cadre::detail::environment& home) {
            env = &home;
            run = [](cadre::work_item* item) noexcept { ++static_cast<counted*>(item)->runs; };
        }
        int runs = 0;
    };

    polled_item() {
        env_.home = loop_.get();
        EXPECT_TRUE(loop_->reserve());
        EXPECT_TRUE(loop_->hold_reserved());
    }
    ~polled_item() override {
        loop_->end_polling();
        loop_->release();
        loop_->end_reservation();
    }
    [[nodiscard]] int runs() {
        while (loop_->run_some(10, true)) {
        }
        return item_.runs;
    }

    const std::shared_ptr<cadre::detail::run_loop> loop_ = cadre::detail::run_loop::make("polled");
    cadre::detail::environment env_;
    counted item_{env_};
};

TEST_F(polled_item, is_posted_to_a_home_that_does_not_poll) {
    item_.poll_by(loop_.get());
    item_.complete();
    EXPECT_TRUE(loop_->ready());
    EXPECT_EQ(runs(), 1);
}

TEST_F(polled_item, is_found_by_a_home_that_polls) {
    loop_->begin_polling();
    item_.poll_by(loop_.get());
    EXPECT_FALSE(loop_->ready());
    item_.complete();
    EXPECT_TRUE(loop_->ready());
    EXPECT_EQ(runs(), 1);
    EXPECT_FALSE(loop_->ready());
}

TEST_F(polled_item, is_posted_when_the_home_has_stopped_polling) {
    loop_->begin_polling();
    item_.poll_by(loop_.get());
    loop_->end_polling();
    EXPECT_FALSE(loop_->ready());
    item_.complete();
    EXPECT_EQ(runs(), 1);
}

TEST_F(polled_item, that_is_completed_is_kept_when_the_home_stops_polling) {
    loop_->begin_polling();
    item_.poll_by(loop_.get());
    item_.complete();
    loop_->end_polling();
    EXPECT_TRUE(loop_->ready());
    EXPECT_EQ(runs(), 1);
}

TEST_F(polled_item, one_at_a_time) {
    loop_->begin_polling();
    counted other(env_);
    item_.poll_by(loop_.get());
    other.poll_by(loop_.get());
    other.complete();
    item_.complete();
    EXPECT_EQ(runs(), 1);
    EXPECT_EQ(other.runs, 1);
}

TEST_F(polled_item, can_be_posted_instead) {
    loop_->begin_polling();
    item_.poll_by(loop_.get());
    item_.post_instead(loop_.get());
    item_.complete();
    EXPECT_EQ(runs(), 1);
}

std::uint64_t next(std::uint64_t x) { return x + 1; }

// Calls that follow each other at once, and after pauses in which both sides go to sleep.
task<std::uint64_t> call_in_turn(cadre::executor ex, int calls, std::chrono::microseconds pause) {
    std::uint64_t x = 0;
    for (int i = 0; i != calls; ++i) {
        x = co_await cadre::on(ex, next, x);
        if (i % 64 == 0) co_await cadre::sleep_for(pause);
    }
    co_return x;
}

TEST(calls_to_a_thread, complete_in_every_order_of_polls_and_sleeps) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 2}};
    for (const auto pause : {0us, 20us, 500us})
        EXPECT_EQ(cadre::sync_wait(call_in_turn(ex, 2'000, pause)), 2'000u);
}

task<std::uint64_t> call_side_by_side(cadre::executor ex) {
    const auto [a, b, c] = co_await cadre::when_all(call_in_turn(ex, 1'000, 0us), call_in_turn(ex, 1'000, 50us),
                                                    call_in_turn(ex, 1'000, 300us));
    co_return a + b + c;
}

TEST(calls_to_a_thread, complete_side_by_side) {
    const cadre::executor ex = cadre::thread_executor{{.workers = 2}};
    EXPECT_EQ(cadre::sync_wait(call_side_by_side(ex)), 3'000u);
}

}  // namespace
