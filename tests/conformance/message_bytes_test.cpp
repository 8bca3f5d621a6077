// `message_bytes` on every kind: sent and received in every way that a channel has, one side here, the other in calls.
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/message_bytes.hpp>
#include <cadre/on.hpp>
#include <cadre/select.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "conformance/hosts.hpp"
#include "conformance/of_others.hpp"

namespace {

using namespace conformance_tests;
using namespace std::chrono_literals;
using namespace cadre;

using frames = channel<message_bytes>;

template <class Kind>
class message_bytes_conformance : public of_others<Kind> {};
using all_kinds =
    ::testing::Types<serial, threads<1>, threads<3>, processes<1>, processes<2>, hosts<true>, hosts<false, true>>;
TYPED_TEST_SUITE(message_bytes_conformance, all_kinds);

// Sizes below and above that of a cell; a unit of shared memory and more; sizes that are checked before they are read.
constexpr std::array<std::size_t, 8> sizes{0, 1, 48, 49, 5'000, 70'000, 1 << 20, 3 << 20};

message_bytes pattern(const executor& ex, std::size_t size, unsigned char first) {
    message_bytes m{ex, size};
    for (std::size_t i = 0; i < size; i += 61)
        m[i] = static_cast<std::byte>(first + i);
    return m;
}
bool has_pattern(const message_bytes& m, std::size_t size, unsigned char first) {
    if (m.size() != size) return false;
    for (std::size_t i = 0; i < size; i += 61)
        if (m[i] != static_cast<std::byte>(first + i)) return false;
    return true;
}

task<void> send_patterns(executor ex, frames out) {
    for (const std::size_t size : sizes)
        co_await out.send(pattern(ex, size, 3));
    out.close();
}
task<void> forward(frames in, frames out) {
    while (auto m = co_await in.receive()) {
        if (!m->empty()) m->data()[m->size() - 1] = std::byte{0x5a};
        co_await out.send(std::move(*m));
    }
    out.close();
}

TYPED_TEST(message_bytes_conformance, arrive_whole_from_a_call_through_another) {
    const frames a{this->under_test, 2};
    const frames b{this->under_test, 2};
    sync_wait([](executor ex, frames first, frames second) -> task<void> {
        const auto check = [](frames in) -> task<void> {
            for (const std::size_t size : sizes) {
                auto m = co_await in.receive();
                EXPECT_TRUE(m.has_value());
                if (!m) co_return;
                if (size != 0) {
                    EXPECT_EQ((*m)[size - 1], std::byte{0x5a});
                    if ((size - 1) % 61 == 0) (*m)[size - 1] = static_cast<std::byte>(3 + size - 1);
                }
                EXPECT_TRUE(has_pattern(*m, size, 3)) << size;
            }
            auto end = co_await in.receive();
            EXPECT_FALSE(end.has_value());
        };
        co_await when_all(on(ex, send_patterns, ex, first), on(ex, forward, first, second), check(second));
    }(this->under_test, a, b));
}

TYPED_TEST(message_bytes_conformance, come_many_at_once_and_without_waiting) {
    const frames ch{this->under_test, 8};
    sync_wait([](executor ex, frames q) -> task<void> {
        std::vector<message_bytes> messages;
        for (unsigned char i = 0; i != 5; ++i)
            messages.push_back(pattern(ex, 9'000, i));
        co_await q.send_all(std::move(messages));
        EXPECT_TRUE(q.try_send(pattern(ex, 9'000, 5)));
        const auto some = co_await q.receive_many(4);
        EXPECT_GE(some.size(), 1U);
        unsigned char next = 0;
        for (const auto& m : some)
            EXPECT_TRUE(has_pattern(m, 9'000, next++));
        for (; next != 6; ++next) {
            const auto m = q.try_receive();
            EXPECT_TRUE(m.has_value() && has_pattern(*m, 9'000, next));
        }
        EXPECT_FALSE(q.try_receive().has_value());
    }(this->under_test, ch));
}

task<void> send_after_a_while(executor ex, frames out) {
    co_await sleep_for(soon);
    co_await out.send(pattern(ex, 20'000, 9));
}

TYPED_TEST(message_bytes_conformance, are_received_and_sent_by_select) {
    const frames in{this->under_test, 1};
    const frames out{this->under_test, 1};
    sync_wait([](executor ex, frames source, frames target) -> task<void> {
        EXPECT_TRUE(target.try_send(pattern(ex, 5'000, 1)));
        message_bytes mine = pattern(ex, 6'000, 2);
        const auto choose = [](frames s, frames t, message_bytes& m) -> task<std::size_t> {
            auto got = co_await select(s.receive(), t.send(std::move(m)), after(1h));
            if (got.index() == 0) {
                EXPECT_TRUE(has_pattern(get<0>(got).value(), 20'000, 9));
            }
            co_return got.index();
        };
        const auto [chosen, sent] =
            co_await when_all(choose(source, target, mine), on(ex, send_after_a_while, ex, source));
        EXPECT_EQ(chosen, 0U);
        EXPECT_TRUE(has_pattern(mine, 6'000, 2));  // not sent: still here
        (void)co_await target.receive();
        EXPECT_EQ(co_await choose(source, target, mine), 1U);
        auto m = co_await target.receive();
        EXPECT_TRUE(m.has_value() && has_pattern(*m, 6'000, 2));
    }(this->under_test, in, out));
}

TYPED_TEST(message_bytes_conformance, stay_with_a_sender_that_is_stopped) {
    const frames ch{this->under_test, 1};
    sync_wait([](executor ex, frames q) -> task<void> {
        EXPECT_TRUE(q.try_send(pattern(ex, 5'000, 1)));
        message_bytes mine = pattern(ex, 5'000, 2);
        EXPECT_FALSE(q.try_send(std::move(mine)));
        EXPECT_TRUE(has_pattern(mine, 5'000, 2));
        EXPECT_THROW(co_await timeout(soon, q.send(std::move(mine))), timed_out);
        EXPECT_TRUE(has_pattern(mine, 5'000, 2));
        q.close();
        EXPECT_THROW(co_await q.send(std::move(mine)), channel_closed);
        EXPECT_TRUE(has_pattern(mine, 5'000, 2));
    }(this->under_test, ch));
}

message_bytes shorten(message_bytes m, std::size_t size) {
    m.truncate(size);
    return m;
}

TYPED_TEST(message_bytes_conformance, are_values_of_calls_too) {
    const executor& ex = this->under_test;
    auto m = sync_wait(on(ex, shorten, pattern(ex, 100'000, 4), std::size_t{7'000}));
    EXPECT_TRUE(has_pattern(m, 7'000, 4));
    EXPECT_TRUE(sync_wait(on(ex, shorten, message_bytes{}, std::size_t{0})).empty());
}

TYPED_TEST(message_bytes_conformance, have_a_sound_size) {
    const executor& ex = this->under_test;
    EXPECT_THROW(message_bytes(ex, -1), std::invalid_argument);
    message_bytes m{ex, 10};
    EXPECT_THROW(m.truncate(11), std::out_of_range);
    EXPECT_EQ(m.size(), 10U);
    message_bytes taken = std::move(m);
    EXPECT_EQ(taken.size(), 10U);
    m = message_bytes{ex, std::array{std::byte{1}, std::byte{2}}};
    EXPECT_EQ(m.size(), 2U);
    EXPECT_EQ(m[1], std::byte{2});
}

}  // namespace
