#include "framework/shm/channel_fixture.hpp"

#include <sys/resource.h>

#include <cadre/detail/base/sanitizers.hpp>

namespace {

using namespace shm_test;
using shm::step;

constexpr int one = 1;

TEST(shm_channel, keeps_order_capacity_and_close) {
    for (const std::uint64_t capacity : {1u, 2u, 3u, 8u, 100u}) {
        channel_fixture f(capacity);
        EXPECT_EQ(f.channel->capacity(), capacity);
        byte_buffer b;
        EXPECT_EQ(f.channel->try_receive(b), op_status::would_block);
        for (int lap = 0; lap != 5; ++lap) {
            for (int i = 0; i != static_cast<int>(capacity); ++i)
                EXPECT_EQ(f.channel->try_send(bytes_of(i)), op_status::done);
            EXPECT_EQ(f.channel->try_send(bytes_of(lap)), op_status::would_block);
            EXPECT_EQ(f.channel->size(), capacity);
            const auto got = f.drain();
            ASSERT_EQ(got.size(), capacity);
            EXPECT_TRUE(std::ranges::is_sorted(got));
        }
        EXPECT_EQ(f.channel->try_send(bytes_of(7)), op_status::done);
        f.channel->close();
        EXPECT_TRUE(f.channel->closed());
        EXPECT_EQ(f.channel->try_send(bytes_of(8)), op_status::closed);
        EXPECT_EQ(f.drain(), std::vector{7});
        EXPECT_EQ(f.channel->try_receive(b), op_status::closed);
    }
}

TEST(shm_channel, messages_of_any_size) {
    channel_fixture f(4);
    const unsigned before = f.held_blocks();
    for (const std::size_t size : {0u, 1u, 47u, 48u, 49u, 1000u, 70'000u, 3'000'000u}) {
        std::vector<std::byte> m(size, std::byte{0x5a});
        ASSERT_EQ(f.channel->try_send(m), op_status::done);
        byte_buffer b;
        ASSERT_EQ(f.channel->try_receive(b), op_status::done);
        EXPECT_TRUE(std::ranges::equal(b.span(), m));
    }
    EXPECT_EQ(f.held_blocks(), before);
    EXPECT_EQ(f.channel->try_send(std::vector<std::byte>(200u << 20)), op_status::exhausted);
}

TEST(shm_channel, a_sender_may_die_at_every_step) {
    for (const step s : {step::send_claimed, step::send_counted, step::send_written, step::send_published})
        for (const bool large : {false, true})
            for (const bool helped : {false, true}) {
                channel_fixture f(4);
                const unsigned before = f.held_blocks();
                ASSERT_EQ(f.channel->try_send(bytes_of(1)), op_status::done);
                child c = start(*f.plane, [&](shm::state_plane& p) {
                    shm::arena space(p.memory(), p.self());
                    killer::arm(s);
                    if (large)
                        static_cast<void>(f.send_large<killer>(p, space, 2));
                    else
                        static_cast<void>(f.core<killer>(p).send(bytes_of(2)));
                });
                ASSERT_EQ(c.wait(), SIGKILL);
                // Others continue before the death is noticed: no message behind the dead sender is lost.
                if (helped) {
                    EXPECT_EQ(f.channel->try_send(bytes_of(3)), op_status::done);
                }
                f.plane->recover(c.id);
                EXPECT_EQ(f.channel->try_send(bytes_of(4)), op_status::done);
                std::vector<int> expected{1};
                if (s == step::send_published) expected.push_back(2);
                if (helped) expected.push_back(3);
                expected.push_back(4);
                EXPECT_EQ(f.drain(), expected) << static_cast<int>(s) << large << helped;
                EXPECT_EQ(f.held_blocks(), before);
                for (int i = 0; i != 4; ++i)
                    EXPECT_EQ(f.channel->try_send(bytes_of(i)), op_status::done);
                EXPECT_EQ(f.channel->try_send(bytes_of(9)), op_status::would_block);
            }
}

TEST(shm_channel, a_receiver_may_die_at_every_step) {
    for (const step s : {step::receive_claimed, step::receive_counted, step::receive_block_taken, step::receive_copied,
                         step::receive_consumed})
        for (const bool large : {false, true})
            for (const bool helped : {false, true}) {
                if (!large && s == step::receive_block_taken) continue;
                channel_fixture f(4);
                const unsigned before = f.held_blocks();
                const std::vector<std::byte> big(large_size, std::byte{1});
                ASSERT_EQ(f.channel->try_send(large ? std::span<const std::byte>(big) : bytes_of(one)),
                          op_status::done);
                ASSERT_EQ(f.channel->try_send(bytes_of(2)), op_status::done);
                ASSERT_EQ(f.channel->try_send(bytes_of(3)), op_status::done);
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
                    ASSERT_EQ(f.channel->try_receive(b), op_status::done);
                    got.push_back(value_of<int>(b).value_or(-1));
                }
                f.plane->recover(c.id);
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
                        EXPECT_EQ(f.channel->try_send(bytes_of(i)), op_status::done);
                    EXPECT_EQ(f.channel->try_send(bytes_of(9)), op_status::would_block);
                    EXPECT_EQ(f.drain().size(), 4u);
                }
            }
}

const auto write_number = [](shm::channel_cell& c, unsigned i) {
    const int number = static_cast<int>(i) + 2;
    c.length.store(sizeof number);
    std::memcpy(c.bytes, &number, sizeof number);
};

TEST(shm_channel, a_run_is_as_long_as_there_is_room_and_others_allow) {
    channel_fixture f(4);
    auto core = f.core<>(*f.plane);
    unsigned sent = 0;
    ASSERT_EQ(f.channel->try_send(bytes_of(1)), op_status::done);
    ASSERT_EQ(core.send_run(9, write_number, sent), op_status::done);
    EXPECT_EQ(sent, 3u);
    EXPECT_EQ(core.send_run(9, write_number, sent), op_status::would_block);
    EXPECT_EQ(f.channel->size(), 4u);
    std::vector<int> got(8);
    // A message of another size ends a run.
    const auto to_bytes = [&] { return std::as_writable_bytes(std::span(got)); };
    EXPECT_EQ(f.channel->try_receive_run(to_bytes(), 3), 0u);
    EXPECT_EQ(f.channel->try_receive_run(to_bytes().first(2 * sizeof(int)), sizeof(int)), 2u);
    EXPECT_EQ(f.channel->try_receive_run(to_bytes().subspan(2 * sizeof(int)), sizeof(int)), 2u);
    EXPECT_EQ(got, (std::vector{1, 2, 3, 4, 0, 0, 0, 0}));
    EXPECT_EQ(f.channel->try_receive_run(to_bytes(), sizeof(int)), 0u);
    f.channel->close();
    EXPECT_EQ(core.send_run(2, write_number, sent), op_status::closed);
    EXPECT_EQ(f.channel->try_send_run(to_bytes(), sizeof(int)), 0u);
}

TEST(shm_channel, a_sender_of_a_run_may_die_at_every_step) {
    for (const step s : {step::send_claimed, step::send_counted, step::send_written, step::send_published, step::retry})
        for (const bool helped : {false, true}) {
            channel_fixture f(5);
            child c = start(*f.plane, [&](shm::state_plane& p) {
                if (s != step::retry) killer::arm(s);
                unsigned sent = 0;
                const auto write = [&](shm::channel_cell& cell, unsigned i) {
                    if (s == step::retry && i == 1) killer::arm(step::send_written);  // the second message
                    write_number(cell, i);
                };
                static_cast<void>(f.core<killer>(p).send_run(3, write, sent));
            });
            ASSERT_EQ(c.wait(), SIGKILL);
            if (helped) {
                EXPECT_EQ(f.channel->try_send(bytes_of(7)), op_status::done);
            }
            f.plane->recover(c.id);
            EXPECT_EQ(f.channel->try_send(bytes_of(8)), op_status::done);
            std::vector<int> expected;
            if (s == step::send_published) expected = {2, 3, 4};
            if (s == step::retry) expected = {2};
            if (helped) expected.push_back(7);
            expected.push_back(8);
            EXPECT_EQ(f.drain(), expected) << static_cast<int>(s) << helped;
            for (int i = 0; i != 5; ++i)
                EXPECT_EQ(f.channel->try_send(bytes_of(i)), op_status::done);
            EXPECT_EQ(f.channel->try_send(bytes_of(9)), op_status::would_block);
        }
}

TEST(shm_channel, a_receiver_of_a_run_may_die_at_every_step) {
    for (const step s : {step::receive_claimed, step::receive_counted, step::receive_copied, step::receive_consumed})
        for (const bool helped : {false, true}) {
            channel_fixture f(4);
            for (int i = 1; i != 5; ++i)
                ASSERT_EQ(f.channel->try_send(bytes_of(i)), op_status::done);
            child c = start(*f.plane, [&](shm::state_plane& p) {
                killer::arm(s);
                const auto all = [](std::uint64_t) { return true; };
                static_cast<void>(f.core<killer>(p).receive_run(3, all, [](shm::channel_cell&, unsigned) {}));
            });
            ASSERT_EQ(c.wait(), SIGKILL);
            std::vector<int> got;
            if (helped) {
                byte_buffer b;
                ASSERT_EQ(f.channel->try_receive(b), op_status::done);
                got.push_back(value_of<int>(b).value_or(-1));
            }
            f.plane->recover(c.id);
            for (const int v : f.drain())
                got.push_back(v);
            std::vector<int> expected{1, 2, 3, 4};
            if (helped) expected = {4, 1, 2, 3};
            if (s == step::receive_consumed) std::erase(expected, 1);
            EXPECT_EQ(got, expected) << static_cast<int>(s) << helped;
            for (int lap = 0; lap != 3; ++lap) {
                for (int i = 0; i != 4; ++i)
                    EXPECT_EQ(f.channel->try_send(bytes_of(i)), op_status::done);
                EXPECT_EQ(f.channel->try_send(bytes_of(9)), op_status::would_block);
                EXPECT_EQ(f.drain().size(), 4u);
            }
        }
}

TEST(shm_channel, a_closed_channel_is_not_drained_while_a_receiver_may_die) {
    channel_fixture f(4);
    ASSERT_EQ(f.channel->try_send(bytes_of(1)), op_status::done);
    f.channel->close();
    child c = start(*f.plane, [&](shm::state_plane& p) {
        byte_buffer b;
        unsigned skipped = 0;
        killer::arm(step::receive_copied);
        static_cast<void>(f.core<killer>(p).receive(b, skipped));
    });
    ASSERT_EQ(c.wait(), SIGKILL);
    byte_buffer b;
    EXPECT_EQ(f.channel->try_receive(b), op_status::would_block);
    f.plane->recover(c.id);
    EXPECT_EQ(f.drain(), std::vector{1});
    EXPECT_EQ(f.channel->try_receive(b), op_status::closed);
}

TEST(shm_channel, a_send_that_close_overtakes_has_no_effect) {
    channel_fixture f(4);
    child c = start(*f.plane, [&](shm::state_plane& p) {
        killer::arm(step::send_claimed);
        static_cast<void>(f.core<killer>(p).send(bytes_of(1)));
    });
    ASSERT_EQ(c.wait(), SIGKILL);
    f.channel->close();
    f.plane->recover(c.id);
    byte_buffer b;
    EXPECT_EQ(f.channel->try_receive(b), op_status::closed);
}

TEST(shm_channel, messages_outlive_their_sender) {
    channel_fixture f(8);
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

TEST(shm_channel, damaged_words_are_errors) {
    for (unsigned damage = 0; damage != 400; ++damage) {
        channel_fixture f(4);
        for (int i = 0; i != 2; ++i)
            ASSERT_EQ(f.channel->try_send(bytes_of(i)), op_status::done);
        ASSERT_EQ(f.channel->try_send(std::vector<std::byte>(100)), op_status::done);
        std::byte* data = f.data(*f.plane);
        const std::size_t size = shm::channel_words::bytes(4);
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
        f.plane->recover(*id);
    }
}

TEST(shm_channel, the_closing_process_may_die_at_once) {
    channel_fixture f(4);
    child c = start(*f.plane, [&](shm::state_plane& p) {
        killer::arm(step::close_announced);
        f.core<killer>(p).close();
    });
    ASSERT_EQ(c.wait(), SIGKILL);
    f.plane->recover(c.id);
    // A process that sees the close mark relies on receivers that ring, so `closing` is set first.
    const auto core = f.core(*f.plane);
    EXPECT_TRUE(core.closing());
    EXPECT_FALSE(core.closed());
    EXPECT_EQ(f.channel->try_send(bytes_of(one)), op_status::done);
    EXPECT_EQ(f.drain(), std::vector{1});
}

#if !defined(CADRE_ASAN) && !defined(CADRE_TSAN)  // which end the program when there is no memory
/// From here on the process gets no large piece of private memory.
void limit_memory() {
    std::FILE* f = std::fopen("/proc/self/statm", "re");
    unsigned long pages = 0;
    if (f == nullptr || std::fscanf(f, "%lu", &pages) != 1) ::_exit(7);
    std::fclose(f);
    const rlimit l{pages * shm::page_size + (1u << 20), RLIM_INFINITY};
    if (::setrlimit(RLIMIT_AS, &l) != 0) ::_exit(7);
}

TEST(shm_channel, a_receiver_without_memory_leaves_the_message) {
    for (const bool deadly : {false, true}) {
        channel_fixture f(4, {.slots = 8, .arena_size = 512ull << 20});
        const std::vector<std::byte> big(160u << 20, std::byte{3});  // more than malloc and byte_buffer keep for reuse
        ASSERT_EQ(f.channel->try_send(big), op_status::done);
        child c = start(*f.plane, [&](shm::state_plane& p) {
            auto core = f.core<killer>(p);
            limit_memory();
            if (deadly) killer::arm(step::receive_declined);
            byte_buffer b;
            unsigned skipped = 0;
            if (core.receive(b, skipped) != op_status::exhausted) ::_exit(1);
        });
        ASSERT_EQ(c.wait(), deadly ? SIGKILL : 0);
        f.plane->recover(c.id);
        byte_buffer b;
        ASSERT_EQ(f.channel->try_receive(b), op_status::done);
        EXPECT_TRUE(std::ranges::equal(b.span(), big));
    }
}
#endif

}  // namespace
