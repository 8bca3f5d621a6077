#include "framework/shm/processes.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <thread>
#include <vector>

#include "shm/arena.hpp"
#include "shm/channel_core.hpp"
#include "shm/plane_core.hpp"

namespace {

using namespace shm_test;
using shm::step;

constexpr std::size_t large_size = 100'000;
constexpr int one = 1;

/// A channel at a known place of the parent's arena, used through cores that may be deadly.
struct fixture {
    std::unique_ptr<shm::state_plane> plane = shm::state_plane::make(small_region);
    std::shared_ptr<cadre::detail::shared_channel> channel;
    std::uint64_t cells;

    explicit fixture(std::uint64_t capacity) : channel(plane->domain().make_channel(capacity)), cells(capacity) {}

    std::byte* data(shm::state_plane& p) const {
        shm::object_table t(p.memory(), p.self());
        std::byte* at = nullptr;
        t.for_each([&](shm::object_ref o, shm::object_phase) {
            if (o.kind == shm::object_kind::channel)
                if (const auto d = t.data_of(o)) at = d->data;
        });
        return at;
    }
    template <class Probe = shm::no_probe>
    shm::channel_core<Probe> core(shm::state_plane& p) const {
        return {p.memory(), data(p), cells, p.self()};
    }
    /// Sends a message of several pages, in a block.
    template <class Probe>
    attempt send_large(shm::state_plane& p, shm::arena& space, int value) const {
        const auto b = space.allocate(large_size).block;
        std::memset(p.memory().at<std::byte>(b.data()), value, large_size);
        shm::length_of(p.memory(), b.offset).store(large_size);
        const attempt a = core<Probe>(p).send_block(b.offset);
        if (a != attempt::done) shm::arena::release(p.memory(), b.offset, shm::held_by(p.self()));
        return a;
    }
    /// Blocks of any arena that a process or object still holds.
    unsigned held_blocks() const {
        unsigned n = 0;
        for (unsigned s = 0; s != plane->memory().slots(); ++s)
            shm::for_each_block(plane->memory(), s, [&](shm::block_place b) {
                n += shm::holder_of(plane->memory(), b.offset).load() != shm::nobody ? 1u : 0u;
            });
        return n;
    }
    std::vector<int> drain() const {
        std::vector<int> all;
        byte_buffer b;
        while (channel->try_receive(b) == attempt::done) {
            if (b.size() == large_size) {
                EXPECT_TRUE(std::all_of(b.data(), b.data() + b.size(), [&](std::byte x) { return x == *b.data(); }));
                all.push_back(static_cast<int>(*b.data()));
            } else {
                all.push_back(value_of<int>(b).value_or(-1));
            }
        }
        return all;
    }
};

TEST(shm_channel, keeps_order_capacity_and_close) {
    for (const std::uint64_t capacity : {1u, 2u, 3u, 8u, 100u}) {
        fixture f(capacity);
        EXPECT_EQ(f.channel->capacity(), capacity);
        byte_buffer b;
        EXPECT_EQ(f.channel->try_receive(b), attempt::would_block);
        for (int lap = 0; lap != 5; ++lap) {
            for (int i = 0; i != static_cast<int>(capacity); ++i)
                EXPECT_EQ(f.channel->try_send(bytes_of(i)), attempt::done);
            EXPECT_EQ(f.channel->try_send(bytes_of(lap)), attempt::would_block);
            EXPECT_EQ(f.channel->size(), capacity);
            const auto got = f.drain();
            ASSERT_EQ(got.size(), capacity);
            EXPECT_TRUE(std::ranges::is_sorted(got));
        }
        EXPECT_EQ(f.channel->try_send(bytes_of(7)), attempt::done);
        f.channel->close();
        EXPECT_TRUE(f.channel->closed());
        EXPECT_EQ(f.channel->try_send(bytes_of(8)), attempt::closed);
        EXPECT_EQ(f.drain(), std::vector{7});
        EXPECT_EQ(f.channel->try_receive(b), attempt::closed);
    }
}

TEST(shm_channel, messages_of_any_size) {
    fixture f(4);
    const unsigned before = f.held_blocks();
    for (const std::size_t size : {0u, 1u, 47u, 48u, 49u, 1000u, 70'000u, 3'000'000u}) {
        std::vector<std::byte> m(size, std::byte{0x5a});
        ASSERT_EQ(f.channel->try_send(m), attempt::done);
        byte_buffer b;
        ASSERT_EQ(f.channel->try_receive(b), attempt::done);
        EXPECT_TRUE(std::ranges::equal(b.span(), m));
    }
    EXPECT_EQ(f.held_blocks(), before);
    EXPECT_EQ(f.channel->try_send(std::vector<std::byte>(200u << 20)), attempt::exhausted);
}

TEST(shm_channel, a_sender_may_die_at_every_step) {
    for (const step s : {step::send_claimed, step::send_counted, step::send_written, step::send_published})
        for (const bool large : {false, true})
            for (const bool helped : {false, true}) {
                fixture f(4);
                const unsigned before = f.held_blocks();
                ASSERT_EQ(f.channel->try_send(bytes_of(1)), attempt::done);
                child c = start(*f.plane, [&](shm::state_plane& p) {
                    shm::arena space(p.memory(), p.self());
                    killer::arm(s);
                    if (large)
                        static_cast<void>(f.send_large<killer>(p, space, 2));
                    else
                        static_cast<void>(f.core<killer>(p).send(bytes_of(2)));
                });
                ASSERT_EQ(c.wait(), SIGKILL);
                // Others go on before anybody has noticed the death: nothing behind the dead sender is lost.
                if (helped) {
                    EXPECT_EQ(f.channel->try_send(bytes_of(3)), attempt::done);
                }
                f.plane->bury(c.id);
                EXPECT_EQ(f.channel->try_send(bytes_of(4)), attempt::done);
                std::vector<int> expected{1};
                if (s == step::send_published) expected.push_back(2);
                if (helped) expected.push_back(3);
                expected.push_back(4);
                EXPECT_EQ(f.drain(), expected) << static_cast<int>(s) << large << helped;
                EXPECT_EQ(f.held_blocks(), before);
                for (int i = 0; i != 4; ++i)
                    EXPECT_EQ(f.channel->try_send(bytes_of(i)), attempt::done);
                EXPECT_EQ(f.channel->try_send(bytes_of(9)), attempt::would_block);
            }
}

TEST(shm_channel, a_receiver_may_die_at_every_step) {
    for (const step s : {step::receive_claimed, step::receive_counted, step::receive_block_taken, step::receive_copied,
                         step::receive_consumed})
        for (const bool large : {false, true})
            for (const bool helped : {false, true}) {
                if (!large && s == step::receive_block_taken) continue;
                fixture f(4);
                const unsigned before = f.held_blocks();
                const std::vector<std::byte> big(large_size, std::byte{1});
                ASSERT_EQ(f.channel->try_send(large ? std::span<const std::byte>(big) : bytes_of(one)), attempt::done);
                ASSERT_EQ(f.channel->try_send(bytes_of(2)), attempt::done);
                ASSERT_EQ(f.channel->try_send(bytes_of(3)), attempt::done);
                child c = start(*f.plane, [&](shm::state_plane& p) {
                    byte_buffer b;
                    unsigned skipped = 0;
                    killer::arm(s);
                    static_cast<void>(f.core<killer>(p).receive(b, skipped));
                });
                ASSERT_EQ(c.wait(), SIGKILL);
                std::vector<int> got;
                if (helped) {
                    byte_buffer b;
                    ASSERT_EQ(f.channel->try_receive(b), attempt::done);
                    got.push_back(value_of<int>(b).value_or(-1));
                }
                f.plane->bury(c.id);
                for (const int v : f.drain())
                    got.push_back(v);
                std::vector<int> expected{1, 2, 3};
                if (s == step::receive_consumed)
                    expected = {2, 3};
                else if (helped)
                    expected = {2, 1, 3};
                EXPECT_EQ(got, expected) << static_cast<int>(s) << large << helped;
                EXPECT_EQ(f.held_blocks(), before);
                for (int lap = 0; lap != 3; ++lap) {
                    for (int i = 0; i != 4; ++i)
                        EXPECT_EQ(f.channel->try_send(bytes_of(i)), attempt::done);
                    EXPECT_EQ(f.channel->try_send(bytes_of(9)), attempt::would_block);
                    EXPECT_EQ(f.drain().size(), 4u);
                }
            }
}

TEST(shm_channel, a_closed_channel_is_not_drained_while_a_receiver_may_die) {
    fixture f(4);
    ASSERT_EQ(f.channel->try_send(bytes_of(1)), attempt::done);
    f.channel->close();
    child c = start(*f.plane, [&](shm::state_plane& p) {
        byte_buffer b;
        unsigned skipped = 0;
        killer::arm(step::receive_copied);
        static_cast<void>(f.core<killer>(p).receive(b, skipped));
    });
    ASSERT_EQ(c.wait(), SIGKILL);
    byte_buffer b;
    EXPECT_EQ(f.channel->try_receive(b), attempt::would_block);
    f.plane->bury(c.id);
    EXPECT_EQ(f.drain(), std::vector{1});
    EXPECT_EQ(f.channel->try_receive(b), attempt::closed);
}

TEST(shm_channel, a_send_that_was_overtaken_by_close_did_not_happen) {
    fixture f(4);
    child c = start(*f.plane, [&](shm::state_plane& p) {
        killer::arm(step::send_claimed);
        static_cast<void>(f.core<killer>(p).send(bytes_of(1)));
    });
    ASSERT_EQ(c.wait(), SIGKILL);
    f.channel->close();
    f.plane->bury(c.id);
    byte_buffer b;
    EXPECT_EQ(f.channel->try_receive(b), attempt::closed);
}

TEST(shm_channel, what_was_sent_outlives_its_sender) {
    fixture f(8);
    EXPECT_EQ(run(*f.plane,
                  [&](shm::state_plane& p) {
                      shm::arena space(p.memory(), p.self());
                      static_cast<void>(f.core(p).send(bytes_of(1)));
                      static_cast<void>(f.send_large<shm::no_probe>(p, space, 2));
                      ::kill(::getpid(), SIGKILL);
                  }),
              SIGKILL);
    // The slot's next process does not touch it.
    EXPECT_EQ(run(*f.plane,
                  [&](shm::state_plane& p) {
                      shm::arena space(p.memory(), p.self());
                      for (int i = 0; i != 20; ++i) {
                          const auto b = space.allocate(large_size).block;
                          std::memset(p.memory().at<std::byte>(b.data()), 0xee, large_size);
                      }
                  }),
              0);
    EXPECT_EQ(f.drain(), (std::vector{1, 2}));
}

TEST(shm_channel, damaged_words_are_errors_and_no_more) {
    for (unsigned damage = 0; damage != 400; ++damage) {
        fixture f(4);
        for (int i = 0; i != 2; ++i)
            ASSERT_EQ(f.channel->try_send(bytes_of(i)), attempt::done);
        ASSERT_EQ(f.channel->try_send(std::vector<std::byte>(100)), attempt::done);
        std::byte* data = f.data(*f.plane);
        const std::size_t size = shm::channel_core<>::bytes(4);
        std::uint64_t x = damage * 0x9e37'79b9'7f4a'7c15ull + 1;
        for (unsigned i = 0; i != 1 + damage % 5; ++i) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            const std::size_t at = (x >> 20) % (size / 8) * 8;
            const std::uint64_t value = damage % 3 == 0 ? x : damage % 3 == 1 ? (x >> 60) : (1ull << 63) | (x >> 36);
            std::memcpy(data + at, &value, sizeof value);
        }
        byte_buffer b;
        for (int i = 0; i != 12; ++i) {
            static_cast<void>(f.channel->try_receive(b));
            static_cast<void>(f.channel->try_send(bytes_of(i)));
            static_cast<void>(f.channel->size());
        }
        const auto id = f.plane->claim_slot();
        f.plane->bury(*id);
    }
}

// ---- processes killed at random ----

struct tally {
    std::array<std::atomic<std::uint64_t>, 4> sent{};  // by the producers that are alive or were buried
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
    fixture f(16);
    report<tally> t;
    const auto produce = [&](unsigned me, std::uint64_t from) {
        return [&, me, from](shm::state_plane& p) {
            shm::arena space(p.memory(), p.self());
            auto core = f.core(p);
            for (std::uint64_t n = from; n < (1 << 16) && !t->stop.load();) {
                const item i{me, n, me ^ n ^ 0xabcdef};
                attempt a{};
                if (n % 4 == 0) {
                    const auto b = space.allocate(200).block;
                    if (b.offset == 0) ::_exit(7);
                    std::memcpy(p.memory().at<std::byte>(b.data()), &i, sizeof i);
                    shm::length_of(p.memory(), b.offset).store(sizeof i);
                    a = core.send_block(b.offset);
                    if (a != attempt::done) shm::arena::release(p.memory(), b.offset, shm::held_by(p.self()));
                } else {
                    a = core.send(bytes_of(i));
                }
                if (a == attempt::done)
                    t->sent[me].store(++n);
                else if (a == attempt::would_block)
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
            const attempt a = core.receive(b, skipped);
            if (a == attempt::would_block) {
                if (t->stop.load()) return;
                std::this_thread::yield();
                continue;
            }
            if (a != attempt::done) ::_exit(5);
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
        f.plane->bury(victim.id);
        consumer_deaths += producer ? 0 : 1;
        const unsigned me = static_cast<unsigned>(x % 2);
        // The dead producer may have sent one more than it could say: the next begins after that.
        victim = producer ? start(*f.plane, produce(me, t->sent[me].load() + 1)) : start(*f.plane, consume);
    }
    t->stop.store(true);
    for (auto& c : producers)
        EXPECT_EQ(c.wait(), 0);
    for (auto& c : consumers)
        EXPECT_EQ(c.wait(), 0);
    for (auto& c : producers)
        f.plane->bury(c.id);
    for (auto& c : consumers)
        f.plane->bury(c.id);
    byte_buffer b;
    while (f.channel->try_receive(b) == attempt::done) {
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
