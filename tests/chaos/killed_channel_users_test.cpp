// Workers are killed while their tasks send and receive: the received messages are those of the survivors and the first
// ones of each victim, each of them once and whole.

#include <cadre/channel.hpp>
#include <cadre/message_bytes.hpp>
#include <cadre/this_task.hpp>

#include <cstring>
#include <numeric>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include "chaos/kill_rounds.hpp"

namespace {

using namespace cadre;
using namespace cadre::chaos_tests;

constexpr std::size_t producers = 4;
constexpr std::size_t consumers = 4;
constexpr std::uint64_t each = 500;  // messages of a producer

/// The number of a message: producer * each + which.
struct text_message {
    std::uint64_t number;
    std::string text;
};

// Some fit into a cell of the channel, others do not.
std::string text_of(std::uint64_t number) {
    return std::string(number % 5 == 0 ? 300 + number % 7 : number % 23, static_cast<char>('a' + number % 26));
}
task<void> send(channel<text_message> ch, std::uint64_t number) {
    text_message m{number, text_of(number)};
    co_await ch.send(std::move(m));
}
std::optional<std::uint64_t> number_of(const text_message& m) {
    return m.text == text_of(m.number) ? std::optional(m.number) : std::nullopt;
}

std::size_t size_of(std::uint64_t number) { return 4'097 + number % 5 * 1'000; }
task<void> send(channel<message_bytes> ch, std::uint64_t number) {
    message_bytes m{co_await this_task::executor(), size_of(number)};
    for (std::size_t i = 0; i + sizeof number <= m.size(); i += 512)
        std::memcpy(m.data() + i, &number, sizeof number);
    co_await ch.send(std::move(m));
}
std::optional<std::uint64_t> number_of(const message_bytes& m) {
    std::uint64_t first = 0;
    std::memcpy(&first, m.data(), sizeof first);
    if (m.size() != size_of(first)) return std::nullopt;
    for (std::size_t i = 0; i + sizeof first <= m.size(); i += 512)
        if (std::memcmp(m.data() + i, &first, sizeof first) != 0) return std::nullopt;
    return first;
}

// Numbers alone are sent and received in runs.
std::optional<std::uint64_t> number_of(std::uint64_t m) { return m; }

/// How many messages a task sends or receives before it notes them.
template <class Message>
constexpr std::uint64_t batch = 1;
template <>
constexpr std::uint64_t batch<std::uint64_t> = 20;

/// What tasks have noted.
struct books {
    numbers sent;  ///< by producer: how many
    numbers seen;  ///< by message: how often
    numbers torn;  ///< [0]: messages that were not whole
};

template <class Message>
task<void> produce(channel<Message> ch, books b, std::size_t me) {
    for (std::uint64_t i = 0; i != each; i += batch<Message>) {
        if constexpr (batch<Message> == 1)
            co_await send(ch, me * each + i);
        else
            co_await ch.send_all(std::views::iota(me * each + i, me * each + i + batch<Message>));
        b.sent.atomic(me).store(i + batch<Message>);
    }
}
template <class Message>
void note(const books& b, const Message& m) {
    const auto number = number_of(m);
    if (number && *number < b.seen.size())
        b.seen.atomic(*number).fetch_add(1);
    else
        b.torn.atomic(0).fetch_add(1);
}
template <class Message>
task<void> consume(channel<Message> ch, books b) {
    if constexpr (batch<Message> == 1) {
        while (auto m = co_await ch.receive())
            note(b, *m);
    } else {
        for (;;) {
            const std::vector<Message> some = co_await ch.receive_many(batch<Message>);
            if (some.empty()) co_return;
            for (const Message& m : some)
                note(b, m);
        }
    }
}

template <class Message>
task<void> play_round(kill_round& r) {
    const channel<Message> ch{r.ex, 16};
    const books b{numbers{r.ex, producers}, numbers{r.ex, producers * each}, numbers{r.ex, 1}};
    for (std::size_t i = 0; i != producers; ++i)
        r.start(produce<Message>, ch, b, i);
    for (std::size_t i = 0; i != consumers; ++i)
        r.start(consume<Message>, ch, b);
    co_await r.strike();
    for (;;) {
        co_await r.look();
        bool all_sent = true;
        for (std::size_t i = 0; i != producers; ++i)
            all_sent = all_sent && r.ended(i);
        if (all_sent) break;
        if (r.deaths(producers, producers + consumers) == consumers)  // no other receiver is left
            while (auto m = ch.try_receive())
                note(b, *m);
        co_await sleep_for(100us);
    }
    ch.close();
    co_await r.finish();
    co_await timeout(within_a_second, consume(ch, b));

    EXPECT_EQ(b.torn[0], 0U);
    // A consumer that died may have received one batch that it has not noted.
    std::uint64_t lost = 0;
    for (std::size_t p = 0; p != producers; ++p) {
        std::uint64_t end = r.died(p) ? b.sent[p] : each;
        EXPECT_EQ(b.sent[p], end);
        // A producer that died may have sent a part of one more batch than it has noted.
        if (r.died(p) && end != each)
            for (std::uint64_t more = batch<Message>; more != 0 && end == b.sent[p]; --more)
                if (b.seen[p * each + end + more - 1] != 0) end += more;
        for (std::uint64_t i = 0; i != each; ++i) {
            const std::uint64_t times = b.seen[p * each + i];
            EXPECT_LE(times, i < end ? 1U : 0U) << "message " << i << " of producer " << p << ", which sent " << end;
            lost += i < end && times == 0 ? 1 : 0;
        }
    }
    EXPECT_LE(lost, r.deaths(producers, producers + consumers) * batch<Message>);
}

TEST_F(kill_rounds, channel) { play(play_round<text_message>); }
TEST_F(kill_rounds, channel_of_numbers_in_runs) { play(play_round<std::uint64_t>); }
TEST_F(kill_rounds, channel_of_message_bytes) { play(play_round<message_bytes>); }

}  // namespace
