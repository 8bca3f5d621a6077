// stream: an asynchronous generator; lazy, one element for each next(), unwound when it is dropped between two
// elements.
#include <cadre/stream.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/on.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/this_task.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>
#include <cadre/when_any.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::stream;
using cadre::sync_wait;
using cadre::task;

stream<int> count_to(int n) {
    for (int i = 0; i < n; ++i) {
        co_await cadre::yield();
        co_yield i;
    }
}

TEST(stream, yields_its_elements_in_order) {
    auto body = []() -> task<std::vector<int>> {
        std::vector<int> seen;
        auto s = count_to(4);
        while (const auto element = co_await s.next())
            seen.push_back(*element);
        co_return seen;
    };
    EXPECT_EQ(sync_wait(body()), (std::vector{0, 1, 2, 3}));
}

TEST(stream, next_after_the_end_gives_nothing) {
    auto body = []() -> task<> {
        auto s = count_to(0);
        for (int i = 0; i < 3; ++i) {
            const auto element = co_await s.next();
            EXPECT_FALSE(element.has_value());
        }
        stream<int> moved = std::move(s);
        const auto from_empty = co_await s.next();  // NOLINT(bugprone-use-after-move)
        EXPECT_FALSE(from_empty.has_value());
    };
    sync_wait(body());
}

TEST(stream, without_a_body_has_no_elements) {
    const auto body = []() -> task<> {
        stream<int> s;
        const auto none = co_await s.next();
        EXPECT_FALSE(none.has_value());
        s = count_to(1);
        const auto first = co_await s.next();
        EXPECT_EQ(first, 0);
    };
    sync_wait(body());
}

TEST(stream, computes_elements_on_demand) {
    auto body = []() -> task<> {
        int computed = 0;
        auto elements = [](int& n) -> stream<int> {
            for (;;)
                co_yield ++n;
        };
        auto s = elements(computed);
        co_await cadre::yield();
        EXPECT_EQ(computed, 0);
        (void)co_await s.next();
        co_await cadre::yield();
        EXPECT_EQ(computed, 1);
        (void)co_await s.next();
        EXPECT_EQ(computed, 2);
    };
    sync_wait(body());
}

TEST(stream, dropping_it_unwinds_the_body) {
    const auto token = std::make_shared<int>(0);
    auto body = [](std::shared_ptr<int> held) -> task<> {
        auto elements = [](std::shared_ptr<int> of_body) -> stream<int> {
            for (;;)
                co_yield ++*of_body;
        };
        auto unstarted = elements(held);
        auto s = elements(held);
        (void)co_await s.next();
        (void)co_await s.next();
    };
    sync_wait(body(token));
    EXPECT_EQ(token.use_count(), 1);
    EXPECT_EQ(*token, 2);
}

TEST(stream, an_exception_leaves_next_once) {
    auto body = []() -> task<> {
        auto elements = []() -> stream<int> {
            co_yield 1;
            co_await cadre::yield();
            throw std::domain_error("body");
        };
        auto s = elements();
        const auto first = co_await s.next();
        EXPECT_EQ(first, 1);
        const auto failed = co_await cadre::as_outcome(s.next());
        EXPECT_THROW((void)failed.value(), std::domain_error);
        const auto after = co_await s.next();
        EXPECT_FALSE(after.has_value());
    };
    sync_wait(body());
}

TEST(stream, elements_may_be_move_only) {
    auto body = []() -> task<int> {
        auto elements = []() -> stream<std::unique_ptr<int>> {
            for (int i = 1; i <= 3; ++i) {
                auto element = std::make_unique<int>(i);
                co_yield std::move(element);
            }
        };
        auto s = elements();
        int sum = 0;
        while (auto element = co_await s.next()) {
            const std::unique_ptr<int> mine = std::move(*element);
            sum += *mine;
        }
        co_return sum;
    };
    EXPECT_EQ(sync_wait(body()), 6);
}

TEST(stream, its_body_runs_in_the_environment_of_the_consumer) {
    std::stop_source stop;
    auto body = [&]() -> task<> {
        auto elements = []() -> stream<std::uint64_t> {
            co_yield co_await cadre::this_task::id();
            co_await cadre::sleep_for(1h);
        };
        auto s = elements();
        const auto id = co_await s.next();
        const auto own = co_await cadre::this_task::id();
        EXPECT_EQ(id, own);
        stop.request_stop();
        const auto stopped = co_await cadre::as_outcome(s.next());
        EXPECT_THROW((void)stopped.value(), cadre::cancelled);
        const auto after = co_await s.next();
        EXPECT_FALSE(after.has_value());
    };
    sync_wait(cadre::with_stop(stop.get_token(), body()));
}

// Yields 0, 1, 2 …, each when `gate` gives a token. Counts its end.
stream<int> gated(cadre::channel<int> gate, int& unwound) {
    struct note {
        int& n;
        ~note() { ++n; }
    } const at_end{unwound};
    for (int i = 0;; ++i) {
        (void)co_await gate.receive();
        co_yield i;
    }
}

TEST(stream, a_stopped_next_loses_no_element) {
    auto body = []() -> task<> {
        int unwound = 0;
        const cadre::channel<int> gate(co_await cadre::this_task::executor(), 1);
        auto s = gated(gate, unwound);
        for (int i = 0; i < 3; ++i) {
            const auto first = co_await cadre::when_any(s.next(), cadre::yield());
            EXPECT_EQ(first.index(), 1u);
            std::stop_source stop;
            stop.request_stop();
            const auto stopped = co_await cadre::as_outcome(cadre::with_stop(stop.get_token(), s.next()));
            EXPECT_THROW((void)stopped.value(), cadre::cancelled);
            co_await gate.send(1);
            const auto element = co_await s.next();
            EXPECT_EQ(element, i);
        }
        EXPECT_EQ(unwound, 0);
    };
    sync_wait(body());
}

TEST(stream, an_element_that_came_after_a_stopped_next_is_there_at_once) {
    auto body = []() -> task<> {
        int unwound = 0;
        const cadre::channel<int> gate(co_await cadre::this_task::executor(), 1);
        auto s = gated(gate, unwound);
        (void)co_await cadre::when_any(s.next(), cadre::yield());
        co_await gate.send(1);
        while (gate.size() != 0)  // the body takes it
            co_await cadre::yield();
        co_await cadre::yield();
        std::stop_source stop;
        stop.request_stop();  // a complete result is given also to a stopped task
        const auto element = co_await cadre::with_stop(stop.get_token(), s.next());
        EXPECT_EQ(element, 0);
    };
    sync_wait(body());
}

TEST(stream, an_error_after_a_stopped_next_leaves_the_following_one) {
    auto failing = []() -> stream<int> {
        co_await cadre::sleep_for(1ms);
        throw std::domain_error("body");
        co_yield 1;
    };
    auto body = [&]() -> task<> {
        auto s = failing();
        (void)co_await cadre::when_any(s.next(), cadre::yield());
        const auto failed = co_await cadre::as_outcome(s.next());
        EXPECT_THROW((void)failed.value(), std::domain_error);
        const auto after = co_await s.next();
        EXPECT_FALSE(after.has_value());
    };
    sync_wait(body());
}

TEST(stream, dropping_it_after_a_stopped_next_stops_the_body) {
    auto endless = [](int& unwound) -> stream<int> {
        struct note {
            int& n;
            ~note() { ++n; }
        } const at_end{unwound};
        co_await cadre::sleep_for(1h);
        co_yield 1;
    };
    auto body = [&]() -> task<> {
        int unwound = 0;
        {
            auto s = endless(unwound);
            (void)co_await cadre::when_any(s.next(), cadre::yield());
            EXPECT_EQ(unwound, 0);
        }
        while (unwound == 0)
            co_await cadre::yield();
        {
            const cadre::channel<int> gate(co_await cadre::this_task::executor(), 1);
            auto s = gated(gate, unwound);
            (void)co_await cadre::when_any(s.next(), cadre::yield());
        }
        while (unwound == 1)
            co_await cadre::yield();
    };
    sync_wait(body());
}

TEST(stream, a_stop_of_the_task_that_made_it_ends_the_body_first) {
    std::stop_source stop;
    bool ended = false;
    auto elements = [&]() -> stream<int> {
        const auto slept = co_await cadre::as_outcome(cadre::sleep_for(1h));
        co_await cadre::shield(cadre::sleep_for(1ms));  // unwinds slowly
        ended = true;
        slept.value();
        co_yield 1;
    };
    auto body = [&]() -> task<> {
        auto s = elements();
        (void)co_await s.next();
    };
    auto request = [&]() -> task<> {
        co_await cadre::yield();
        stop.request_stop();
    };
    const auto both = [&]() -> task<> {
        const auto [result, none] =
            co_await cadre::when_all(cadre::as_outcome(cadre::with_stop(stop.get_token(), body())), request());
        EXPECT_THROW(result.value(), cadre::cancelled);
        EXPECT_TRUE(ended);
    };
    sync_wait(both());
}

TEST(stream, stops_and_elements_race_without_loss_on_a_pool) {
    const cadre::thread_executor pool{{.workers = 2}};
    auto count = []() -> stream<int> {
        for (int i = 0; i < 2000; ++i) {
            if (i % 3 == 0)
                co_await cadre::yield();
            else if (i % 50 == 1)
                co_await cadre::sleep_for(20us);
            co_yield i;
        }
    };
    auto body = [&]() -> task<int> {
        auto s = count();
        int expected = 0;
        for (;;) {
            const auto element = co_await cadre::as_outcome(cadre::timeout(10us, s.next()));
            if (!element) continue;
            if (!*element) break;
            EXPECT_EQ(**element, expected);
            ++expected;
        }
        co_return expected;
    };
    EXPECT_EQ(sync_wait(cadre::on(pool, body)), 2000);
}

TEST(stream, streams_nest) {
    auto body = []() -> task<int> {
        auto doubled = [](stream<int> source) -> stream<int> {
            while (const auto element = co_await source.next())
                co_yield 2 * *element;
        };
        auto s = doubled(doubled(count_to(5)));
        int sum = 0;
        while (const auto element = co_await s.next())
            sum += *element;
        co_return sum;
    };
    EXPECT_EQ(sync_wait(body()), 4 * (0 + 1 + 2 + 3 + 4));
}

}  // namespace
