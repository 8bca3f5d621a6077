/// @file
/// Conformance of channels, shared cells and locks: the same guarantees on every executor.
///
///     struct my_kind { static cadre::executor make() { return cadre::make_executor("mine:2"); } };
///     INSTANTIATE_TYPED_TEST_SUITE_P(mine, state_conformance, my_kind);   // in namespace cadre::conformance
///
/// Its tests need `cadre::testing_main`, or a `cadre::runtime` in `main`.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <numeric>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/async_mutex.hpp>
#include <cadre/async_semaphore.hpp>
#include <cadre/bind_portable.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

namespace cadre::conformance {

/// `Kind::make()` returns a new executor with a memory domain that can suspend several tasks.
template <class Kind>
class state_conformance : public ::testing::Test {
protected:
    const executor under_test = Kind::make();
};
TYPED_TEST_SUITE_P(state_conformance);

/// The functions that the tests run on the executor.
namespace state_tasks {

using namespace std::chrono_literals;

struct job_message {
    std::string text{};
    std::vector<int> numbers{};
    friend bool operator==(const job_message&, const job_message&) = default;
};

inline task<void> send_numbers(channel<int> ch, int from, int to) {
    for (int n = from; n < to; ++n)
        co_await ch.send(n);
}

inline task<std::int64_t> add_until_closed(channel<int> ch) {
    std::int64_t sum = 0;
    while (auto n = co_await ch.receive())
        sum += *n;
    co_return sum;
}

inline task<void> answer(channel<job_message> questions, channel<job_message> answers) {
    while (auto question = co_await questions.receive()) {
        job_message reply;
        reply.text = question->text + "!";
        reply.numbers.assign(question->numbers.rbegin(), question->numbers.rend());
        co_await answers.send(std::move(reply));
    }
    answers.close();
}

inline task<bool> refused_after_close(channel<int> ch) {
    try {
        co_await ch.send(1);
    } catch (const channel_closed&) {
        co_return true;
    }
    co_return false;
}

inline task<void> reply_through(channel<channel<int>> inbox, int value) {
    auto reply_to = co_await inbox.receive();
    co_await reply_to->send(value);
}

inline void count_up(shared_value<std::uint64_t> v, int times) {
    for (int i = 0; i < times; ++i)
        v.fetch_add(1);
}

struct totals {
    std::int64_t sum = 0;
    std::int64_t squares = 0;
    std::int64_t count = 0;
};

inline task<void> add_total(shared_value<totals> v, int n) {
    co_await v.update([n](totals t) {
        t.sum += n;
        t.squares += n * n;
        ++t.count;
        return t;
    });
}

inline void write_element(shared_array<int> a, int i) { a[static_cast<std::size_t>(i)] = i * i; }
inline void write_row(shared_array<double, 2> m, int row) {
    for (std::size_t j = 0; j < m.extent(1); ++j)
        m(row, j) = 10.0 * row + static_cast<double>(j);
}

inline task<void> add_under_lock(async_mutex m, shared_value<std::int64_t> v, int times) {
    for (int i = 0; i < times; ++i) {
        auto guard = co_await m.lock();
        const std::int64_t seen = v.load();
        if (i % 8 == 0) co_await yield();
        v.store(seen + 1);
    }
}

inline task<void> enter(async_semaphore s, shared_value<int> inside, shared_value<int> maximum, int) {
    auto permit = co_await s.acquire();
    const int now = inside.fetch_add(1) + 1;
    int seen = maximum.load();
    while (seen < now && !maximum.compare_exchange(seen, now)) {
    }
    co_await yield();
    inside.fetch_sub(1);
}

inline task<void> enter_together(async_semaphore s, shared_value<int> inside, shared_value<int> maximum, int i) {
    const int n = i % 3 + 1;
    auto permits = co_await s.acquire(n);
    const int now = inside.fetch_add(n) + n;
    int seen = maximum.load();
    while (seen < now && !maximum.compare_exchange(seen, now)) {
    }
    co_await yield();
    inside.fetch_sub(n);
}

inline task<int> receive_one(channel<int> ch) { co_return (co_await ch.receive()).value_or(-1); }

}  // namespace state_tasks

TYPED_TEST_P(state_conformance, many_producers_and_one_consumer) {
    channel<int> ch{this->under_test, 4};
    const std::int64_t sum = sync_wait([](executor ex, channel<int> c) -> task<std::int64_t> {
        auto produce = [](executor on_this, channel<int> to) -> task<int> {
            co_await when_all(on(on_this, state_tasks::send_numbers, to, 0, 200),
                              on(on_this, state_tasks::send_numbers, to, 200, 400));
            to.close();
            co_return 0;
        };
        auto [done, total] = co_await when_all(produce(ex, c), state_tasks::add_until_closed(c));
        co_return total;
    }(this->under_test, ch));
    EXPECT_EQ(sum, 399 * 400 / 2);
}

TYPED_TEST_P(state_conformance, one_producer_and_many_consumers) {
    channel<int> ch{this->under_test, 4};
    const std::int64_t sum = sync_wait([](executor ex, channel<int> c) -> task<std::int64_t> {
        auto produce = [](channel<int> to) -> task<int> {
            co_await state_tasks::send_numbers(to, 0, 400);
            to.close();
            co_return 0;
        };
        auto [done, a, b] = co_await when_all(produce(c), on(ex, state_tasks::add_until_closed, c),
                                              on(ex, state_tasks::add_until_closed, c));
        co_return a + b;
    }(this->under_test, ch));
    EXPECT_EQ(sum, 399 * 400 / 2);
}

TYPED_TEST_P(state_conformance, messages_of_any_size_keep_their_order) {
    channel<state_tasks::job_message> questions{this->under_test, 2};
    channel<state_tasks::job_message> answers{this->under_test, 2};
    sync_wait([](executor ex, auto q, auto a) -> task<void> {
        auto ask = [](auto to) -> task<int> {
            for (int i = 0; i < 20; ++i) {
                state_tasks::job_message m;
                m.text = std::to_string(i);
                m.numbers.resize(i % 5 == 0 ? 300'000 : 3);
                std::iota(m.numbers.begin(), m.numbers.end(), i);
                co_await to.send(std::move(m));
            }
            to.close();
            co_return 0;
        };
        auto check = [](auto from) -> task<int> {
            int i = 0;
            while (auto m = co_await from.receive()) {
                EXPECT_EQ(m->text, std::to_string(i) + "!");
                EXPECT_EQ(m->numbers.back(), i);
                EXPECT_EQ(m->numbers.size(), i % 5 == 0 ? 300'000u : 3u);
                ++i;
            }
            co_return i;
        };
        auto [asked, answered, checked] = co_await when_all(ask(q), on(ex, state_tasks::answer, q, a), check(a));
        EXPECT_EQ(checked, 20);
    }(this->under_test, questions, answers));
}

TYPED_TEST_P(state_conformance, what_was_sent_is_received_after_its_sender_has_ended) {
    channel<int> ch{this->under_test, 8};
    sync_wait(on(this->under_test, state_tasks::send_numbers, ch, 0, 8));
    EXPECT_EQ(ch.size(), 8u);
    EXPECT_FALSE(ch.try_send(8));
    ch.close();
    for (int i = 0; i < 8; ++i)
        EXPECT_EQ(ch.try_receive(), i);
    EXPECT_EQ(ch.try_receive(), std::nullopt);
    EXPECT_TRUE(sync_wait(on(this->under_test, state_tasks::refused_after_close, ch)));
}

TYPED_TEST_P(state_conformance, close_ends_a_wait_in_a_task) {
    channel<int> ch{this->under_test, 1};
    const int got = sync_wait([](executor ex, channel<int> c) -> task<int> {
        auto close_soon = [](channel<int> waiting) -> task<int> {
            co_await yield();
            waiting.close();
            co_return 0;
        };
        auto [received, closed] = co_await when_all(on(ex, state_tasks::receive_one, c), close_soon(c));
        co_return received;
    }(this->under_test, ch));
    EXPECT_EQ(got, -1);
}

TYPED_TEST_P(state_conformance, a_receive_that_timed_out_took_nothing) {
    channel<int> ch{this->under_test, 1};
    sync_wait([](executor ex, channel<int> c) -> task<void> {
        EXPECT_THROW((void)co_await timeout(std::chrono::milliseconds(5), c.receive()), timed_out);
        co_await on(ex, state_tasks::send_numbers, c, 5, 6);
        EXPECT_THROW(co_await timeout(std::chrono::milliseconds(5), c.send(6)), timed_out);
        EXPECT_EQ(co_await c.receive(), 5);
        EXPECT_EQ(c.try_receive(), std::nullopt);
    }(this->under_test, ch));
}

TYPED_TEST_P(state_conformance, channels_travel_through_channels) {
    channel<channel<int>> inbox{this->under_test, 1};
    channel<int> reply{this->under_test, 1};
    sync_wait([](executor ex, auto in, auto back) -> task<void> {
        co_await in.send(back);
        co_await on(ex, state_tasks::reply_through, in, 42);
        EXPECT_EQ(co_await back.receive(), 42);
    }(this->under_test, inbox, reply));
}

TYPED_TEST_P(state_conformance, atomic_additions_of_all_tasks_arrive) {
    shared_value<std::uint64_t> v{this->under_test, 1};
    sync_wait([](executor ex, auto cell) -> task<void> {
        co_await when_all(on(ex, state_tasks::count_up, cell, 500), on(ex, state_tasks::count_up, cell, 500),
                          on(ex, state_tasks::count_up, cell, 500));
    }(this->under_test, v));
    EXPECT_EQ(v.load(), 1501u);
}

TYPED_TEST_P(state_conformance, updates_of_large_values_do_not_mix) {
    shared_value<state_tasks::totals> v{this->under_test};
    sync_wait([](executor ex, auto cell) -> task<void> {
        co_await map(ex, bind_portable(state_tasks::add_total, cell), std::views::iota(0, 50));
        const auto t = co_await cell.get();
        EXPECT_EQ(t.count, 50);
        EXPECT_EQ(t.sum, 49 * 50 / 2);
        EXPECT_EQ(t.squares, 49 * 50 * 99 / 6);
    }(this->under_test, v));
}

TYPED_TEST_P(state_conformance, tasks_write_elements_of_one_array) {
    if (!shares_arrays(this->under_test)) GTEST_SKIP() << "no shared arrays";
    shared_array<int> a{this->under_test, 40};
    shared_array<double, 2> m{this->under_test, {3, 4}};
    sync_wait([](executor ex, auto array, auto table) -> task<void> {
        co_await map(ex, bind_portable(state_tasks::write_element, array), std::views::iota(0, 40));
        co_await map(ex, bind_portable(state_tasks::write_row, table), std::views::iota(0, 3));
    }(this->under_test, a, m));
    for (std::size_t i = 0; i < a.size(); ++i)
        EXPECT_EQ(a[i], static_cast<int>(i * i));
    for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j < 4; ++j)
            EXPECT_EQ(m(i, j), 10.0 * static_cast<double>(i) + static_cast<double>(j));
}

TYPED_TEST_P(state_conformance, a_mutex_loses_no_update) {
    async_mutex m{this->under_test};
    shared_value<std::int64_t> v{this->under_test, 0};
    sync_wait([](executor ex, auto mutex, auto value) -> task<void> {
        co_await when_all(on(ex, state_tasks::add_under_lock, mutex, value, 100),
                          on(ex, state_tasks::add_under_lock, mutex, value, 100),
                          state_tasks::add_under_lock(mutex, value, 100));
        auto guard = mutex.try_lock();
        EXPECT_TRUE(guard);
        EXPECT_FALSE(guard->owner_died());
        EXPECT_THROW((void)co_await timeout(std::chrono::milliseconds(5), mutex.lock()), timed_out);
    }(this->under_test, m, v));
    EXPECT_EQ(v.load(), 300);
}

TYPED_TEST_P(state_conformance, a_semaphore_admits_no_more_than_its_count) {
    async_semaphore s{this->under_test, 2};
    shared_value<int> inside{this->under_test, 0};
    shared_value<int> maximum{this->under_test, 0};
    sync_wait([](executor ex, auto sem, auto now, auto max) -> task<void> {
        co_await map(ex, bind_portable(state_tasks::enter, sem, now, max), std::views::iota(0, 30));
        EXPECT_EQ(sem.available(), 2u);
        auto one = co_await sem.acquire();
        sem.release(1);
        EXPECT_EQ(sem.available(), 2u);
    }(this->under_test, s, inside, maximum));
    EXPECT_EQ(inside.load(), 0);
    EXPECT_LE(maximum.load(), 2);
    EXPECT_GE(maximum.load(), 1);
}

TYPED_TEST_P(state_conformance, a_semaphore_gives_several_permits_at_once) {
    async_semaphore s{this->under_test, 4};
    shared_value<int> inside{this->under_test, 0};
    shared_value<int> maximum{this->under_test, 0};
    sync_wait([](executor ex, auto sem, auto now, auto max) -> task<void> {
        co_await map(ex, bind_portable(state_tasks::enter_together, sem, now, max), std::views::iota(0, 60));
        EXPECT_EQ(sem.available(), 4u);
        EXPECT_THROW((void)co_await timeout(std::chrono::milliseconds(5), sem.acquire(5)), timed_out);
        EXPECT_EQ(sem.available(), 4u);
        auto two = co_await sem.acquire(2);
        two.forget();
        EXPECT_EQ(sem.available(), 2u);
    }(this->under_test, s, inside, maximum));
    EXPECT_EQ(s.available(), 2u);
    EXPECT_LE(maximum.load(), 4);
}

TYPED_TEST_P(state_conformance, senseless_counts_are_errors_that_lose_nothing) {
    EXPECT_THROW((channel<int>{this->under_test, std::uint64_t{1} << 62}), std::invalid_argument);
    EXPECT_THROW((channel<int>{this->under_test, 0}), std::invalid_argument);
    if (shares_arrays(this->under_test)) {
        EXPECT_THROW((shared_array<double>{this->under_test, std::uint64_t{1} << 62}), std::bad_alloc);
    }
    EXPECT_THROW((async_semaphore{this->under_test, std::uint64_t{1} << 32}), std::invalid_argument);
    async_semaphore s{this->under_test, 0xffff'ffffu};
    auto permit = s.try_acquire();
    EXPECT_THROW(s.release(), std::overflow_error);
    EXPECT_EQ(s.available(), 0xffff'fffeu);
    permit.reset();
    EXPECT_EQ(s.available(), 0xffff'ffffu);
}

TYPED_TEST_P(state_conformance, objects_end_with_their_executor) {
    channel<int> ch{this->under_test, 1};
    async_mutex m{this->under_test};
    shared_value<int> v{this->under_test, 1};
    sync_wait([](executor ex, channel<int> c, async_mutex mutex, shared_value<int> cell) -> task<void> {
        auto waits = [](channel<int> empty) -> task<bool> {
            try {
                (void)co_await timeout(std::chrono::seconds(10), empty.receive());
            } catch (const executor_stopped&) {
                co_return true;
            } catch (const timed_out&) {
            }
            co_return false;
        };
        auto ends = [](executor e) -> task<int> {
            co_await e.shutdown();
            co_return 0;
        };
        auto [stopped, ended] = co_await when_all(waits(c), ends(ex));
        EXPECT_TRUE(stopped);
        EXPECT_THROW((void)c.try_send(1), executor_stopped);
        EXPECT_THROW((void)mutex.try_lock(), executor_stopped);
        EXPECT_THROW((void)co_await cell.get(), executor_stopped);
        EXPECT_THROW((channel<int>{ex, 1}), executor_stopped);
    }(this->under_test, ch, m, v));
}

REGISTER_TYPED_TEST_SUITE_P(state_conformance, many_producers_and_one_consumer, one_producer_and_many_consumers,
                            messages_of_any_size_keep_their_order, what_was_sent_is_received_after_its_sender_has_ended,
                            close_ends_a_wait_in_a_task, a_receive_that_timed_out_took_nothing,
                            channels_travel_through_channels, atomic_additions_of_all_tasks_arrive,
                            updates_of_large_values_do_not_mix, tasks_write_elements_of_one_array,
                            a_mutex_loses_no_update, a_semaphore_admits_no_more_than_its_count,
                            a_semaphore_gives_several_permits_at_once, senseless_counts_are_errors_that_lose_nothing,
                            objects_end_with_their_executor);

}  // namespace cadre::conformance
