/// @file
/// Conformance of `select`: it performs exactly one operation, on every executor.
///
///     struct my_kind { static cadre::executor make() { return cadre::make_executor("mine:2"); } };
///     INSTANTIATE_TYPED_TEST_SUITE_P(mine, select_conformance, my_kind);   // in namespace cadre::conformance
///
/// Its tests need `cadre::testing_main`, or a `cadre::runtime` in `main`.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <cadre/async_mutex.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/select.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

namespace cadre::conformance {

/// `Kind::make()` returns a new executor with a memory domain that can suspend several tasks.
template <class Kind>
class select_conformance : public ::testing::Test {
protected:
    const executor under_test = Kind::make();
};
TYPED_TEST_SUITE_P(select_conformance);

namespace select_tasks {

using namespace std::chrono_literals;

inline task<void> send_and_close(channel<int> ch, int count) {
    for (int n = 0; n != count; ++n)
        co_await ch.send(n);
    ch.close();
}

/// Receives from both until both are closed. @return the sum and the number of values
inline task<std::pair<std::int64_t, int>> add_both(channel<int> a, channel<int> b) {
    std::pair<std::int64_t, int> total{};
    std::array<bool, 2> open{true, true};
    while (open[0] && open[1]) {
        auto got = co_await select(a.receive(), b.receive());
        const auto value = got.index() == 0 ? get<0>(got) : get<1>(got);
        if (!value) {
            open.at(got.index()) = false;
            continue;
        }
        total.first += *value;
        ++total.second;
    }
    const channel<int>& last = open[0] ? a : b;
    while (const auto value = co_await last.receive()) {
        total.first += *value;
        ++total.second;
    }
    co_return total;
}

inline task<void> send_after(channel<std::string> ch, std::string text) {
    co_await sleep_for(5ms);
    co_await ch.send(std::move(text));
}

inline task<int> receive_either(channel<int> a, channel<int> b) {
    auto got = co_await select(a.receive(), b.receive());
    co_return (got.index() == 0 ? get<0>(got) : get<1>(got)).value_or(-1);
}

}  // namespace select_tasks

TYPED_TEST_P(select_conformance, performs_the_operation_that_is_possible) {
    using namespace select_tasks;
    const auto body = [](executor ex) -> task<void> {
        channel<int> empty{ex, 1};
        channel<int> full{ex, 1};
        async_mutex held{ex};
        const auto guard = co_await held.lock();
        co_await full.send(1);

        auto sent = co_await select(full.send(2), empty.send(3), held.lock(), after(1h));
        EXPECT_EQ(sent.index(), 1U);
        auto received = co_await select(full.send(4), empty.receive(), held.lock(), after(1h));
        EXPECT_EQ(received.index(), 1U);
        EXPECT_EQ(get<1>(received), 3);
        EXPECT_EQ(full.size(), 1U);
        EXPECT_EQ(empty.size(), 0U);

        const auto passed = co_await select(full.emplace(5), empty.receive(), held.lock(), after(1ms));
        EXPECT_EQ(passed.index(), 3U);
        EXPECT_EQ(full.size(), 1U);
    };
    sync_wait(body(this->under_test));
}

TYPED_TEST_P(select_conformance, possible_operations_take_turns) {
    const auto body = [](executor ex) -> task<void> {
        constexpr std::size_t rounds = 60;
        channel<int> a{ex, rounds};
        channel<int> b{ex, rounds};
        channel<int> c{ex, rounds};
        std::array<std::size_t, 3> performed{};
        for (std::size_t i = 0; i != rounds; ++i) {
            co_await a.send(1);
            co_await b.send(1);
        }
        for (std::size_t i = 0; i != rounds; ++i) {
            const auto got = co_await select(a.receive(), b.receive(), c.send(1));
            ++performed.at(got.index());
        }
        for (const std::size_t times : performed)
            EXPECT_GE(times, rounds / 6);
    };
    sync_wait(body(this->under_test));
}

TYPED_TEST_P(select_conformance, every_value_is_received_once) {
    using namespace select_tasks;
    const auto body = [](executor ex) -> task<void> {
        constexpr int each = 2'000;
        channel<int> a{ex, 3};
        channel<int> b{ex, 3};
        scope producers;
        producers.spawn(ex, send_and_close, a, each);
        producers.spawn(ex, send_and_close, b, each);
        auto there = spawn(ex, add_both, a, b);
        auto [here, also_here] = co_await when_all(add_both(a, b), add_both(a, b));
        const auto from_there = co_await there;
        co_await producers.join();
        EXPECT_EQ(here.second + also_here.second + from_there.second, 2 * each);
        EXPECT_EQ(here.first + also_here.first + from_there.first, std::int64_t{each} * (each - 1));
    };
    sync_wait(body(this->under_test));
}

TYPED_TEST_P(select_conformance, is_woken_by_any_of_its_channels) {
    using namespace select_tasks;
    const auto body = [](executor ex) -> task<void> {
        channel<std::string> a{ex, 1};
        channel<std::string> b{ex, 1};
        for (std::size_t i = 0; i != 20; ++i) {
            auto sender = spawn(ex, send_after, i % 2 == 0 ? a : b, "x" + std::to_string(i));
            auto got = co_await select(a.receive(), b.receive(), after(1h));
            EXPECT_EQ(got.index(), i % 2);
            EXPECT_EQ(got.index() == 0 ? get<0>(got) : get<1>(got), "x" + std::to_string(i));
            co_await sender;
        }
    };
    sync_wait(body(this->under_test));
}

TYPED_TEST_P(select_conformance, waits_in_a_task_of_the_executor) {
    using namespace select_tasks;
    const auto body = [](executor ex) -> task<void> {
        channel<int> a{ex, 1};
        channel<int> b{ex, 1};
        auto there = spawn(ex, receive_either, a, b);
        auto also_there = spawn(ex, receive_either, b, a);
        co_await sleep_for(5ms);
        co_await b.send(1);
        co_await a.send(2);
        const int sum = co_await there + co_await also_there;
        EXPECT_EQ(sum, 3);
    };
    sync_wait(body(this->under_test));
}

TYPED_TEST_P(select_conformance, a_closed_channel_ends_the_wait) {
    using namespace select_tasks;
    const auto body = [](executor ex) -> task<void> {
        channel<int> a{ex, 1};
        channel<int> b{ex, 1};
        co_await a.send(1);
        const auto closer = [](channel<int> ch) -> task<void> {
            co_await sleep_for(5ms);
            ch.close();
        };
        const auto waits = [](channel<int> to, channel<int> from) -> task<void> {
            auto got = co_await select(from.receive(), after(1h));
            EXPECT_EQ(got.index(), 0U);
            EXPECT_EQ(get<0>(got), std::nullopt);
            bool was_closed = false;
            try {
                (void)co_await select(to.send(2), after(1h));
            } catch (const channel_closed&) {
                was_closed = true;
            }
            EXPECT_TRUE(was_closed);
        };
        co_await when_all(waits(a, b), closer(b), closer(a));
        EXPECT_EQ(co_await a.receive(), 1);
        EXPECT_EQ(co_await a.receive(), std::nullopt);
    };
    sync_wait(body(this->under_test));
}

TYPED_TEST_P(select_conformance, a_stop_loses_no_value) {
    using namespace select_tasks;
    const auto body = [](executor ex) -> task<void> {
        constexpr int count = 300;
        channel<int> a{ex, 2};
        channel<int> never{ex, 1};
        auto sender = spawn(ex, send_and_close, a, count);
        const auto receive_one = [](channel<int> from, channel<int> other) -> task<std::optional<int>> {
            auto got = co_await select(from.receive(), other.receive());
            co_return get<0>(got);
        };
        int next = 0;
        for (bool open = true; open;) {
            try {
                const auto value = co_await timeout(50us, receive_one(a, never));
                open = value.has_value();
                if (open) {
                    EXPECT_EQ(*value, next);
                    ++next;
                }
            } catch (const timed_out&) {
            }
        }
        EXPECT_EQ(next, count);
        co_await sender;
    };
    sync_wait(body(this->under_test));
}

TYPED_TEST_P(select_conformance, a_lock_that_was_not_chosen_is_free) {
    using namespace select_tasks;
    const auto body = [](executor ex) -> task<void> {
        async_mutex m{ex};
        channel<int> ch{ex, 1};
        for (int i = 0; i != 200; ++i) {
            const auto contend = [](async_mutex mutex, channel<int> from) -> task<std::size_t> {
                auto got = co_await select(mutex.lock(), from.receive());
                co_return got.index();
            };
            const auto release_and_send = [](async_mutex mutex, channel<int> to) -> task<void> {
                {
                    const auto held = co_await mutex.lock();
                    co_await yield();
                }
                co_await to.send(1);
            };
            auto [performed, sent] = co_await when_all(contend(m, ch), release_and_send(m, ch));
            EXPECT_EQ(ch.size(), performed == 0 ? 1U : 0U);
            (void)ch.try_receive();
            EXPECT_TRUE(m.try_lock().has_value());
        }
    };
    sync_wait(body(this->under_test));
}

TYPED_TEST_P(select_conformance, takes_channels_of_several_executors) {
    using namespace select_tasks;
    const auto body = [](executor ex, executor local) -> task<void> {
        channel<int> here{local, 1};
        channel<std::string> there{ex, 1};
        auto sender = spawn(ex, send_after, there, std::string("there"));
        auto first = co_await select(here.receive(), there.receive());
        EXPECT_EQ(first.index(), 1U);
        EXPECT_EQ(get<1>(first), "there");
        co_await sender;
        co_await here.send(5);
        auto second = co_await select(here.receive(), there.receive());
        EXPECT_EQ(second.index(), 0U);
        EXPECT_EQ(get<0>(second), 5);
    };
    sync_wait(body(this->under_test, serial_executor{}));
}

TYPED_TEST_P(select_conformance, a_shutdown_ends_the_wait) {
    using namespace select_tasks;
    const auto body = [](executor ex) -> task<void> {
        channel<int> ch{ex, 1};
        const auto waits = [](channel<int> from) -> task<bool> {
            try {
                (void)co_await select(from.receive(), after(1h));
            } catch (const executor_stopped&) {
                co_return true;
            }
            co_return false;
        };
        const auto stops = [](executor which) -> task<void> {
            co_await sleep_for(5ms);
            co_await which.shutdown(10s);
        };
        auto [stopped, done] = co_await when_all(waits(ch), stops(ex));
        EXPECT_TRUE(stopped);
    };
    const serial_executor home;
    sync_wait(on(home, body, this->under_test));
}

REGISTER_TYPED_TEST_SUITE_P(select_conformance, performs_the_operation_that_is_possible, possible_operations_take_turns,
                            every_value_is_received_once, is_woken_by_any_of_its_channels,
                            waits_in_a_task_of_the_executor, a_closed_channel_ends_the_wait, a_stop_loses_no_value,
                            a_lock_that_was_not_chosen_is_free, takes_channels_of_several_executors,
                            a_shutdown_ends_the_wait);

}  // namespace cadre::conformance
