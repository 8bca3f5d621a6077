#include <cadre/channel.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/errors.hpp>
#include <cadre/portable.hpp>
#include <cadre/stop.hpp>
#include <cadre/when_all.hpp>

#include "state_test_support.hpp"

namespace {

using cadre::channel;
using cadre::sync_wait;
using cadre::task;
using state_test::local;

static_assert(cadre::portable<channel<int>>);
static_assert(!std::is_constructible_v<channel<int>, cadre::executor, double>);

TEST(channel, gives_values_in_the_order_of_sending) {
    channel<std::string> ch{local(), 3};
    sync_wait([](auto c) -> task<> {
        const std::string second = "b";
        co_await c.send("a");
        co_await c.send(second);
        co_await c.emplace(2u, 'c');
        EXPECT_EQ(c.size(), 3u);
        EXPECT_EQ(co_await c.receive(), "a");
        EXPECT_EQ(co_await c.receive(), "b");
        EXPECT_EQ(co_await c.receive(), "cc");
        EXPECT_EQ(c.size(), 0u);
    }(ch));
}

TEST(channel, capacity_is_positive) {
    EXPECT_EQ(channel<int>(local(), 7).capacity(), 7u);
    EXPECT_EQ(channel<int>(local(), std::uint8_t{200}).capacity(), 200u);
    EXPECT_THROW(channel<int>(local(), 0), std::invalid_argument);
    EXPECT_THROW(channel<int>(local(), -1), std::invalid_argument);
}

TEST(channel, an_enormous_capacity_is_refused) {
    try {
        channel<int> ch(local(), std::uint64_t{1} << 62);
        FAIL();
    } catch (const std::invalid_argument& e) {
        EXPECT_STREQ(e.what(), "cadre::channel: a capacity of 4611686018427387904 is too large (at most 1073741824)");
    }
    EXPECT_EQ(channel<int>(local(), channel<int>::max_capacity).capacity(), channel<int>::max_capacity);
}

TEST(channel, closes_after_its_producers) {
    channel<int> ch{local(), 4};
    auto produce = [](channel<int> to, int n) -> cadre::task<> { co_await to.send(n); };
    auto consume = [](channel<int> from) -> cadre::task<int> {
        int sum = 0;
        while (auto n = co_await from.receive())
            sum += *n;
        co_return sum;
    };
    auto both = [&]() -> cadre::task<int> {
        auto [ended, sum] =
            co_await cadre::when_all(ch.close_after(cadre::when_all(produce(ch, 3), produce(ch, 4))), consume(ch));
        co_return sum;
    };
    EXPECT_EQ(cadre::sync_wait(both()), 7);
    EXPECT_TRUE(ch.closed());
}

TEST(channel, closes_after_a_producer_that_failed) {
    channel<int> ch{local(), 4};
    auto fail = []() -> cadre::task<int> {
        throw std::out_of_range("seven");
        co_return 0;
    };
    EXPECT_THROW(cadre::sync_wait(ch.close_after(fail())), std::out_of_range);
    EXPECT_TRUE(ch.closed());
    channel<int> open{local(), 4};
    auto four = []() -> cadre::task<int> { co_return 4; };
    {
        auto unstarted = open.close_after(four());
    }
    EXPECT_FALSE(open.closed());
    EXPECT_EQ(cadre::sync_wait(open.close_after(four())), 4);
    EXPECT_TRUE(open.closed());
}

TEST(channel, a_large_capacity_costs_nothing_until_it_is_used) {
    channel<std::string> ch{local(), channel<std::string>::max_capacity};
    EXPECT_TRUE(ch.try_send("x"));
    EXPECT_EQ(ch.try_receive(), "x");
}

TEST(channel, copies_are_the_same_channel) {
    channel<int> ch{local(), 1};
    const channel<int> copy = ch;
    EXPECT_TRUE(ch == copy);
    EXPECT_TRUE(copy.try_send(1));
    EXPECT_EQ(ch.size(), 1u);
    EXPECT_FALSE(ch == channel<int>(local(), 1));
}

TEST(channel, trying_never_waits) {
    channel<int> ch{local(), 2};
    EXPECT_EQ(ch.try_receive(), std::nullopt);
    EXPECT_TRUE(ch.try_send(1));
    EXPECT_TRUE(ch.try_send(2));
    EXPECT_FALSE(ch.try_send(3));
    EXPECT_EQ(ch.try_receive(), 1);
    EXPECT_TRUE(ch.try_send(3));
    EXPECT_EQ(ch.try_receive(), 2);
    EXPECT_EQ(ch.try_receive(), 3);
}

TEST(channel, the_ring_wraps_and_grows_without_mixing_the_order) {
    channel<std::string> ch{local(), 100};
    int sent = 0;
    int received = 0;
    for (int round = 0; round < 60; ++round) {
        for (int i = 0; i < 5; ++i)
            if (ch.try_send(std::to_string(sent))) ++sent;
        for (int i = 0; i < 3; ++i)
            EXPECT_EQ(ch.try_receive(), std::to_string(received++));
    }
    while (received < sent)
        EXPECT_EQ(ch.try_receive(), std::to_string(received++));
}

task<> send_range(channel<int> ch, int from, int to) {
    for (int i = from; i < to; ++i)
        co_await ch.send(i);
}

task<std::vector<int>> receive_count(channel<int> ch, int count) {
    std::vector<int> got;
    for (int i = 0; i < count; ++i)
        got.push_back(*co_await ch.receive());
    co_return got;
}

TEST(channel, a_full_channel_makes_senders_wait) {
    channel<int> ch{local(), 1};
    auto [nothing, got] = sync_wait(cadre::when_all(send_range(ch, 0, 100), receive_count(ch, 100)));
    ASSERT_EQ(got.size(), 100u);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(got[static_cast<std::size_t>(i)], i);
}

TEST(channel, waiting_receivers_get_values) {
    channel<int> ch{local(), 4};
    auto [first, second, nothing] =
        sync_wait(cadre::when_all(receive_count(ch, 10), receive_count(ch, 10), send_range(ch, 0, 20)));
    first.insert(first.end(), second.begin(), second.end());
    std::sort(first.begin(), first.end());
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(first[static_cast<std::size_t>(i)], i);
}

TEST(channel, waiting_senders_are_served_in_the_order_of_arrival) {
    channel<int> ch{local(), 1};
    sync_wait([](auto c) -> task<> {
        co_await c.send(0);
        auto send = [](channel<int> to, int n) -> task<> { co_await to.send(n); };
        auto drain = [](channel<int> from) -> task<std::vector<int>> {
            std::vector<int> got;
            while (auto n = from.try_receive())
                got.push_back(*n);
            co_return got;
        };
        auto [a, b, d, got] = co_await cadre::when_all(send(c, 1), send(c, 2), send(c, 3), drain(c));
        // Each value that was taken let the next sender's in.
        for (std::size_t i = 0; i < got.size(); ++i)
            EXPECT_EQ(got[i], static_cast<int>(i));
    }(ch));
}

TEST(channel, values_sent_before_close_are_received) {
    channel<int> ch{local(), 4};
    EXPECT_TRUE(ch.try_send(1));
    EXPECT_TRUE(ch.try_send(2));
    EXPECT_FALSE(ch.closed());
    ch.close();
    ch.close();
    EXPECT_TRUE(ch.closed());
    EXPECT_FALSE(ch.try_send(3));
    sync_wait([](auto c) -> task<> {
        EXPECT_EQ(co_await c.receive(), 1);
        EXPECT_EQ(co_await c.receive(), 2);
        EXPECT_EQ(co_await c.receive(), std::nullopt);
        EXPECT_EQ(co_await c.receive(), std::nullopt);
        EXPECT_EQ(c.try_receive(), std::nullopt);
        const auto none = co_await c.receive_many(3);
        EXPECT_TRUE(none.empty());
    }(ch));
}

TEST(channel, close_ends_waits) {
    channel<int> empty{local(), 1};
    channel<int> full{local(), 1};
    EXPECT_TRUE(full.try_send(1));
    auto receive = [](channel<int> c) -> task<bool> { co_return (co_await c.receive()).has_value(); };
    auto send = [](channel<int> c) -> task<bool> {
        try {
            co_await c.send(2);
            co_return true;
        } catch (const cadre::channel_closed&) {
            co_return false;
        }
    };
    auto close = [](channel<int> a, channel<int> b) -> task<> {
        a.close();
        b.close();
        co_return;
    };
    auto [received, sent, nothing] = sync_wait(cadre::when_all(receive(empty), send(full), close(empty, full)));
    EXPECT_FALSE(received);
    EXPECT_FALSE(sent);
    EXPECT_EQ(full.try_receive(), 1);
    EXPECT_EQ(full.try_receive(), std::nullopt);
}

TEST(channel, carries_move_only_values) {
    channel<std::unique_ptr<int>> ch{local(), 1};
    sync_wait([](auto c) -> task<> {
        auto p = std::make_unique<int>(7);
        co_await c.send(std::move(p));
        EXPECT_EQ(p, nullptr);
        auto q = std::make_unique<int>(8);
        EXPECT_FALSE(c.try_send(std::move(q)));
        EXPECT_NE(q, nullptr);
        auto r = co_await c.receive();
        EXPECT_EQ(**r, 7);
        EXPECT_TRUE(c.try_send(std::move(q)));
        EXPECT_EQ(q, nullptr);
    }(ch));
}

TEST(channel, a_value_that_was_not_sent_is_not_moved_from) {
    channel<std::unique_ptr<int>> ch{local(), 1};
    EXPECT_TRUE(ch.try_send(std::make_unique<int>(1)));
    sync_wait([](auto c) -> task<> {
        auto p = std::make_unique<int>(2);
        std::stop_source stop;
        stop.request_stop();
        EXPECT_THROW(co_await cadre::with_stop(stop.get_token(), c.send(std::move(p))), cadre::cancelled);
        EXPECT_NE(p, nullptr);
        c.close();
        EXPECT_THROW(co_await c.send(std::move(p)), cadre::channel_closed);
        EXPECT_NE(p, nullptr);
    }(ch));
    EXPECT_EQ(ch.size(), 1u);
}

TEST(channel, after_a_stop_request_operations_that_need_no_wait_complete) {
    channel<int> ch{local(), 1};
    auto body = [](channel<int> c) -> task<> {
        co_await c.send(1);
        EXPECT_THROW(co_await c.send(2), cadre::cancelled);
        EXPECT_EQ(co_await c.receive(), 1);
        EXPECT_THROW((void)co_await c.receive(), cadre::cancelled);
    };
    std::stop_source stop;
    stop.request_stop();
    sync_wait(cadre::with_stop(stop.get_token(), body(ch)));
    EXPECT_EQ(ch.size(), 0u);
}

TEST(channel, send_all_and_receive_many) {
    channel<std::string> ch{local(), 2};
    auto send = [](channel<std::string> c) -> task<> {
        std::vector<std::string> words{"a", "b", "c", "d", "e"};
        co_await c.send_all(words);
        EXPECT_EQ(words[4], "e");
        co_await c.send_all(std::move(words));
        c.close();
    };
    auto receive = [](channel<std::string> c) -> task<std::string> {
        std::string all;
        for (;;) {
            const auto some = co_await c.receive_many(4);
            if (some.empty()) co_return all;
            EXPECT_LE(some.size(), 4u);
            for (const auto& word : some)
                all += word;
        }
    };
    auto [nothing, all] = sync_wait(cadre::when_all(send(ch), receive(ch)));
    EXPECT_EQ(all, "abcdeabcde");
    EXPECT_THROW((void)ch.receive_many(0), std::invalid_argument);
}

struct throws_when_moved {
    throws_when_moved() = default;
    throws_when_moved(throws_when_moved&& other) : armed(other.armed) {
        if (armed) throw std::runtime_error("moved");
    }
    throws_when_moved& operator=(throws_when_moved&&) = default;
    template <class A>
    void serialize(A& a) {
        a(armed);
    }
    bool armed = false;
};

TEST(channel, an_exception_of_a_move_reaches_its_sender_only) {
    channel<throws_when_moved> ch{local(), 1};
    EXPECT_TRUE(ch.try_send(throws_when_moved{}));
    auto send = [](channel<throws_when_moved> c, bool armed) -> task<bool> {
        throws_when_moved value;
        value.armed = armed;
        try {
            co_await c.send(std::move(value));
        } catch (const std::runtime_error&) {
            co_return false;
        }
        co_return true;
    };
    auto receive = [](channel<throws_when_moved> c) -> task<bool> {
        auto one = co_await c.receive();
        auto two = co_await c.receive();
        co_return one&& two;
    };
    auto [bad, good, received] = sync_wait(cadre::when_all(send(ch, true), send(ch, false), receive(ch)));
    EXPECT_FALSE(bad);
    EXPECT_TRUE(good);
    EXPECT_TRUE(received);
}

TEST(channel, ends_with_its_executor) {
    const cadre::executor ex = local();
    channel<int> ch{ex, 1};
    channel<int> full{ex, 1};
    channel<int> other{local(), 1};
    EXPECT_TRUE(full.try_send(1));
    auto ends = [](auto operation) -> task<bool> {
        try {
            (void)co_await std::move(operation);
        } catch (const cadre::executor_stopped&) {
            co_return true;
        }
        co_return false;
    };
    auto send = [](channel<int> c) -> task<int> {
        co_await c.send(1);
        co_return 0;
    };
    auto end = [](cadre::executor e) -> task<> {
        state_test::shut_down(e);
        co_return;
    };
    auto [received, sent, nothing] = sync_wait(cadre::when_all(ends(ch.receive()), ends(send(full)), end(ex)));
    EXPECT_TRUE(received);
    EXPECT_TRUE(sent);
    EXPECT_THROW((void)ch.try_send(1), cadre::executor_stopped);
    EXPECT_THROW((void)full.try_receive(), cadre::executor_stopped);
    EXPECT_THROW((channel<int>{ex, 1}), cadre::executor_stopped);
    EXPECT_TRUE(other.try_send(1));
}

TEST(channel, needs_a_memory_domain) {
    EXPECT_THROW((channel<int>{state_test::without_domain(), 1}), cadre::not_portable);
}

TEST(channel, of_a_local_executor_cannot_leave_the_process) {
    channel<int> ch{local(), 1};
    cadre::detail::byte_buffer bytes;
    cadre::detail::encoder out(bytes);
    EXPECT_THROW(cadre::detail::encode(out, ch), cadre::not_portable);
}

}  // namespace
