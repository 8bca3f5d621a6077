// Senders and receivers of one channel that are killed at random moments.

#include "framework/shm/channel_fixture.hpp"

#include <algorithm>
#include <array>
#include <thread>

namespace {

using namespace shm_test;

struct tally {
    std::array<std::atomic<std::uint64_t>, 4> sent{};  // by live and recovered producers
    std::array<std::array<std::atomic<std::uint64_t>, 4>, 4> last{};  // [consumer][producer], the last number seen
    std::atomic<std::uint64_t> received{0};
    std::atomic<std::uint64_t> wrong{0};
    std::array<std::array<std::atomic<std::uint8_t>, 1 << 16>, 4> seen{};
    std::atomic<bool> stop{false};
};

struct item {
    std::uint64_t producer;
    std::uint64_t number;
    std::uint64_t check;
};

TEST(shm_channel, producers_and_consumers_are_killed_at_random) {
    channel_fixture f(16);
    report<tally> t;
    const auto produce = [&](unsigned me, std::uint64_t from) {
        return [&, me, from](shm::state_plane& p) {
            shm::arena space(p.memory(), p.self());
            auto core = f.core(p);
            for (std::uint64_t n = from; n < (1 << 16) && !t->stop.load();) {
                const item i{me, n, me ^ n ^ 0xabcdef};
                op_status a{};
                if (n % 4 == 0) {
                    const auto b = space.allocate(200).block;
                    if (b.offset == 0) ::_exit(7);
                    std::memcpy(p.memory().at<std::byte>(b.data()), &i, sizeof i);
                    shm::length_of(p.memory(), b.offset).store(sizeof i);
                    a = core.send_block(b.offset);
                    if (a != op_status::done) shm::arena::release(p.memory(), b.offset, shm::held_by(p.self()));
                } else {
                    a = core.send(bytes_of(i));
                }
                if (a == op_status::done)
                    t->sent[me].store(++n);
                else if (a == op_status::would_block)
                    std::this_thread::yield();
                else
                    ::_exit(6);
            }
        };
    };
    const auto consume = [&](shm::state_plane& p) {
        auto core = f.core(p);
        byte_buffer b;
        unsigned skipped = 0;
        for (;;) {
            const op_status a = core.receive(b, skipped);
            if (a == op_status::would_block) {
                if (t->stop.load()) return;
                std::this_thread::yield();
                continue;
            }
            if (a != op_status::done) ::_exit(5);
            const auto i = value_of<item>(b);
            if (!i || i->producer >= 4 || i->number >= (1 << 16) || i->check != (i->producer ^ i->number ^ 0xabcdef)) {
                t->wrong.fetch_add(1);
                continue;
            }
            if (t->seen[i->producer][i->number].fetch_add(1) != 0) t->wrong.fetch_add(1);
            t->received.fetch_add(1);
        }
    };
    std::array<child, 2> producers{start(*f.plane, produce(0, 0)), start(*f.plane, produce(1, 0))};
    std::array<child, 2> consumers{start(*f.plane, consume), start(*f.plane, consume)};
    std::array<std::uint64_t, 2> next{};
    unsigned consumer_deaths = 0;
    std::uint64_t x = 88172645463325252ull;
    for (int round = 0; round != 600; ++round) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        ::usleep(static_cast<useconds_t>(x % 700));
        child& victim = x % 4 < 2 ? producers[x % 2] : consumers[x % 2];
        const bool producer = x % 4 < 2;
        victim.kill();
        ASSERT_TRUE([&] {
            const int how = victim.wait();
            return how == SIGKILL || how == 0;
        }());
        f.plane->recover(victim.id);
        consumer_deaths += producer ? 0 : 1;
        const unsigned me = static_cast<unsigned>(x % 2);
        // The dead producer may have sent one more than it could say: the next begins after that, and after the first
        // one of the dead, if that died before it could say anything.
        if (producer) next[me] = std::max(t->sent[me].load(), next[me]) + 1;
        victim = producer ? start(*f.plane, produce(me, next[me])) : start(*f.plane, consume);
    }
    t->stop.store(true);
    for (auto& c : producers)
        EXPECT_EQ(c.wait(), 0);
    for (auto& c : consumers)
        EXPECT_EQ(c.wait(), 0);
    for (auto& c : producers)
        f.plane->recover(c.id);
    for (auto& c : consumers)
        f.plane->recover(c.id);
    byte_buffer b;
    while (f.channel->try_receive(b) == op_status::done) {
        const auto i = value_of<item>(b);
        ASSERT_TRUE(i);
        EXPECT_EQ(t->seen[i->producer][i->number].fetch_add(1), 0);
    }
    EXPECT_EQ(t->wrong.load(), 0u);
    // What was sent was received once; a consumer killed between taking and reporting may account for one each.
    std::uint64_t missing = 0;
    std::uint64_t sent = 0;
    for (unsigned p = 0; p != 2; ++p)
        for (std::uint64_t n = 0; n < t->sent[p].load(); ++n) {
            ++sent;
            missing += t->seen[p][n].load() == 0 ? 1 : 0;
        }
    EXPECT_GT(sent, 1000u);
    // Numbers that a replaced producer skipped count as missing too: at most one per round.
    EXPECT_LE(missing, 600u + consumer_deaths);
    EXPECT_EQ(f.held_blocks(), 1u);  // the channel's own
    EXPECT_EQ(f.channel->size(), 0u);
}

}  // namespace
