#include "framework/shm/processes.hpp"

#include <chrono>
#include <coroutine>
#include <functional>
#include <thread>
#include <vector>

#include <poll.h>

#include <cadre/detail/codec_stream.hpp>
#include <cadre/detail/memory_domain.hpp>
#include <cadre/errors.hpp>

#include "shm/object_table.hpp"

namespace {

using namespace shm_test;
using cadre::detail::codec_context;
using cadre::detail::decoder;
using cadre::detail::encoder;
using cadre::detail::shared_channel;
using cadre::detail::shared_object;

unsigned objects_in(const shm::state_plane& p) {
    unsigned n = 0;
    for (unsigned s = 0; s != p.memory().slots(); ++s)
        for (std::uint64_t i = 0; i != p.memory().arena(s).objects_used.load(); ++i)
            n += (p.memory().object(s, i).state.load() & 0xff) != 0 ? 1u : 0u;
    return n;
}

template <class Object>
byte_buffer encoded(const Object& o) {
    byte_buffer b;
    encoder e(b);
    o.encode(e);
    return b;
}

byte_buffer copy(const byte_buffer& from) {
    byte_buffer b;
    b.append(from.span());
    return b;
}

/// The loop of a process that waits for `done`: polls, sleeps, is woken.
bool drive(shm::state_plane& p, const std::function<bool()>& done) {
    auto& source = p.source();
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
        if (source.poll()) continue;
        source.announce_sleep();
        if (!source.poll() && !done()) {
            pollfd fd{p.processes().doorbell(p.self().slot), POLLIN, 0};
            ::poll(&fd, 1, 20'000);
            std::uint64_t n = 0;
            [[maybe_unused]] const auto r = ::read(fd.fd, &n, sizeof n);
        }
        source.announce_awake();
        if (std::chrono::steady_clock::now() > limit) return false;
    }
    return true;
}

/// A wait without a coroutine: it is never committed, so finishing it resumes nothing.
struct wait : shared_object::parked {
    byte_buffer message;

    wait(shared_object& o, unsigned q, attempt (*f)(parked&) noexcept) {
        object = &o;
        queue = q;
        try_now = f;
        prepare(std::noop_coroutine(), nullptr, &shared_object::cancel);
    }
    static attempt receive(parked& p) noexcept {
        return static_cast<shared_channel*>(p.object)->try_receive(static_cast<wait&>(p).message);
    }
    static attempt send(parked& p) noexcept {
        return static_cast<shared_channel*>(p.object)->try_send(static_cast<wait&>(p).message.span());
    }
    static attempt lock(parked& p) noexcept {
        bool died = false;
        return static_cast<cadre::detail::shared_lock*>(p.object)->try_lock(died);
    }
};

TEST(shm_objects, one_object_in_a_process_and_gone_with_the_last_handle) {
    const auto plane = shm::state_plane::make(small_region);
    auto& domain = plane->domain();
    auto first = domain.make_channel(4);
    EXPECT_EQ(objects_in(*plane), 1u);
    auto message = encoded(*first);
    decoder d(message.span());
    auto second = domain.take_channel(d);
    EXPECT_EQ(first.get(), second.get());
    first.reset();
    EXPECT_EQ(objects_in(*plane), 1u);
    second.reset();
    EXPECT_EQ(objects_in(*plane), 0u);
    decoder again(message.span());
    EXPECT_THROW(static_cast<void>(domain.take_channel(again)), cadre::not_portable);
}

TEST(shm_objects, a_message_keeps_what_it_carries) {
    const auto plane = shm::state_plane::make(small_region);
    auto& domain = plane->domain();
    auto block = domain.make_block(1000, 64);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block->data()) % 64, 0u);
    std::memset(block->data(), 7, 1000);
    auto message = encoded(*block);
    block.reset();
    EXPECT_EQ(objects_in(*plane), 1u);
    EXPECT_EQ(run(*plane,
                  [&](shm::state_plane& p) {
                      decoder d(message.span());
                      const auto b = p.domain().take_block(d);
                      if (static_cast<unsigned char*>(b->data())[999] != 7 || b->size() != 1000) ::_exit(1);
                  }),
              0);
    EXPECT_EQ(objects_in(*plane), 0u);
}

TEST(shm_objects, with_a_context_the_sender_keeps_it) {
    const auto plane = shm::state_plane::make(small_region);
    auto lock = plane->domain().make_lock();
    {
        codec_context context;
        byte_buffer b;
        encoder e(b, &context);
        lock->encode(e);
        lock.reset();
        EXPECT_EQ(objects_in(*plane), 1u);
        for (int i = 0; i != 2; ++i) {  // a retried call reads its arguments again
            decoder d(b.span());
            EXPECT_NE(plane->domain().take_lock(d), nullptr);
        }
    }
    EXPECT_EQ(objects_in(*plane), 0u);
}

TEST(shm_objects, outlive_the_process_that_made_them) {
    const auto plane = shm::state_plane::make(small_region);
    auto channel = plane->domain().make_channel(4);
    auto message = encoded(*channel);
    child c = start(*plane, [&](shm::state_plane& p) {
        decoder d(message.span());
        const auto out = p.domain().take_channel(d);
        const auto made = p.domain().make_semaphore(3);
        if (made->try_acquire() != attempt::done) ::_exit(1);
        static_cast<void>(out->try_send(encoded(*made).span()));
        ::kill(::getpid(), SIGKILL);
    });
    ASSERT_EQ(c.wait(), SIGKILL);
    plane->bury(c.id);
    byte_buffer b;
    ASSERT_EQ(channel->try_receive(b), attempt::done);
    decoder d(b.span());
    auto semaphore = plane->domain().take_semaphore(d);
    EXPECT_EQ(semaphore->available(), 3u);
    // Whoever comes next into the slot leaves it alone.
    EXPECT_EQ(run(*plane,
                  [&](shm::state_plane& p) {
                      std::vector<std::shared_ptr<shared_object>> all;
                      for (int i = 0; i != 100; ++i)
                          all.push_back(p.domain().make_semaphore(1));
                  }),
              0);
    EXPECT_EQ(semaphore->available(), 3u);
    semaphore.reset();
    channel.reset();
    EXPECT_EQ(objects_in(*plane), 0u);
}

TEST(shm_objects, of_the_dead_are_freed) {
    const auto plane = shm::state_plane::make(small_region);
    for (int i = 0; i != 50; ++i) {
        child c = start(*plane, [&](shm::state_plane& p) {
            auto a = p.domain().make_channel(10);
            auto b = p.domain().make_block(200'000, 16);
            static_cast<void>(a->try_send(std::vector<std::byte>(5000)));
            ::kill(::getpid(), SIGKILL);
        });
        ASSERT_EQ(c.wait(), SIGKILL);
        plane->bury(c.id);
        EXPECT_EQ(objects_in(*plane), 0u);
        unsigned held = 0;
        shm::for_each_block(plane->memory(), c.id.slot, [&](shm::block_place b) {
            held += shm::holder_of(plane->memory(), b.offset).load() != shm::nobody ? 1u : 0u;
        });
        EXPECT_EQ(held, 0u);
    }
}

TEST(shm_objects, wrong_handles_are_errors) {
    const auto plane = shm::state_plane::make(small_region);
    const auto lock = plane->domain().make_lock();
    auto message = encoded(*lock);
    {
        decoder d(message.span());
        EXPECT_ANY_THROW(static_cast<void>(plane->domain().take_channel(d)));
    }
    for (std::size_t at = 0; at != message.size(); ++at)
        for (unsigned value = 0; value != 256; ++value) {
            byte_buffer b = copy(message);
            b.data()[at] = static_cast<std::byte>(value);
            decoder d(b.span());
            try {
                static_cast<void>(plane->domain().take_lock(d));
            } catch (const cadre::error&) {
            }
        }
    bool died = false;
    EXPECT_EQ(lock->try_lock(died), attempt::done);
}

TEST(shm_objects, a_waiting_receiver_is_rung_from_another_process) {
    const auto plane = shm::state_plane::make(small_region);
    auto channel = plane->domain().make_channel(4);
    for (int i = 0; i != 50; ++i) {
        wait w(*channel, 0, &wait::receive);
        ASSERT_TRUE(channel->park(w));
        EXPECT_TRUE(channel->has_waiters(0));
        auto message = encoded(*channel);
        child c = start(*plane, [&](shm::state_plane& p) {
            decoder d(message.span());
            static_cast<void>(p.domain().take_channel(d)->try_send(bytes_of(i)));
        });
        EXPECT_TRUE(drive(*plane, [&] { return w.outcome != attempt::would_block; }));
        EXPECT_EQ(w.outcome, attempt::done);
        EXPECT_EQ(value_of<int>(w.message), i);
        EXPECT_EQ(c.wait(), 0);
        plane->bury(c.id);
    }
}

TEST(shm_objects, ping_pong_between_processes_loses_no_wake_up) {
    const auto plane = shm::state_plane::make(small_region);
    auto there = plane->domain().make_channel(1);
    auto back = plane->domain().make_channel(1);
    auto m1 = encoded(*there);
    auto m2 = encoded(*back);
    constexpr int rounds = 20'000;
    const auto receive = [](shm::state_plane& p, shared_channel& c) {
        wait w(c, 0, &wait::receive);
        if (c.park(w) && !drive(p, [&] { return w.outcome != attempt::would_block; })) return -1;
        return w.outcome == attempt::done ? value_of<int>(w.message).value_or(-2) : -3;
    };
    child c = start(*plane, [&](shm::state_plane& p) {
        decoder d1(m1.span());
        decoder d2(m2.span());
        const auto in = p.domain().take_channel(d1);
        const auto out = p.domain().take_channel(d2);
        for (int i = 0; i != rounds; ++i) {
            if (receive(p, *in) != i) ::_exit(1);
            if (out->try_send(bytes_of(i)) != attempt::done) ::_exit(2);
        }
    });
    for (int i = 0; i != rounds; ++i) {
        ASSERT_EQ(there->try_send(bytes_of(i)), attempt::done);
        ASSERT_EQ(receive(*plane, *back), i);
    }
    EXPECT_EQ(c.wait(), 0);
    plane->bury(c.id);
}

TEST(shm_objects, a_cancelled_waiter_passes_the_ring_on) {
    const auto plane = shm::state_plane::make(small_region);
    auto channel = plane->domain().make_channel(4);
    auto message = encoded(*channel);
    report<std::atomic<int>> state;
    child c = start(*plane, [&](shm::state_plane& p) {
        decoder d(message.span());
        const auto in = p.domain().take_channel(d);
        wait w(*in, 0, &wait::receive);
        if (!in->park(w)) ::_exit(1);
        state->store(1);
        state->notify_all();
        if (!drive(p, [&] { return w.outcome != attempt::would_block; })) ::_exit(2);
        if (value_of<int>(w.message) != 5) ::_exit(3);
    });
    while (state->load() == 0)
        std::this_thread::yield();
    wait w(*channel, 0, &wait::receive);
    ASSERT_TRUE(channel->park(w));
    // A third process rings one of the two; if it is us, we leave without taking.
    auto message2 = encoded(*channel);
    EXPECT_EQ(run(*plane,
                  [&](shm::state_plane& p) {
                      decoder d(message2.span());
                      static_cast<void>(p.domain().take_channel(d)->try_send(bytes_of(5)));
                  }),
              0);
    shared_object::cancel(w);
    EXPECT_EQ(w.outcome, attempt::would_block);
    EXPECT_EQ(c.wait(), 0);
    plane->bury(c.id);
}

TEST(shm_objects, locks_are_handed_to_other_processes) {
    const auto plane = shm::state_plane::make(small_region);
    auto lock = plane->domain().make_lock();
    auto message = encoded(*lock);
    report<std::atomic<int>> state;
    bool died = false;
    ASSERT_EQ(lock->try_lock(died), attempt::done);
    child c = start(*plane, [&](shm::state_plane& p) {
        decoder d(message.span());
        const auto l = p.domain().take_lock(d);
        wait w(*l, 0, &wait::lock);
        if (!l->park(w)) ::_exit(1);
        state->store(1);
        if (!drive(p, [&] { return w.outcome != attempt::would_block; })) ::_exit(2);
        state->store(2);
        l->unlock();
    });
    while (state->load() == 0)
        std::this_thread::yield();
    // We barge as fast as we can, and still it gets its turn.
    int rounds = 0;
    for (; state->load() != 2 && rounds != 100'000'000; ++rounds) {
        lock->unlock();
        while (lock->try_lock(died) != attempt::done)
            std::this_thread::yield();
    }
    EXPECT_EQ(state->load(), 2);
    EXPECT_EQ(c.wait(), 0);
    plane->bury(c.id);
    EXPECT_FALSE(died);
}

TEST(shm_objects, a_dead_owner_is_noticed_by_those_who_wait) {
    const auto plane = shm::state_plane::make(small_region);
    auto lock = plane->domain().make_lock();
    auto message = encoded(*lock);
    report<std::atomic<int>> state;
    child c = start(*plane, [&](shm::state_plane& p) {
        decoder d(message.span());
        const auto l = p.domain().take_lock(d);
        bool died = false;
        static_cast<void>(l->try_lock(died));
        state->store(1);
        ::pause();
    });
    while (state->load() == 0)
        std::this_thread::yield();
    wait w(*lock, 0, &wait::lock);
    ASSERT_TRUE(lock->park(w));
    c.kill();
    c.wait();
    plane->bury(c.id);
    EXPECT_TRUE(drive(*plane, [&] { return w.outcome != attempt::would_block; }));
    EXPECT_EQ(w.outcome, attempt::done);
}

TEST(shm_objects, shut_down_ends_waits_and_attempts) {
    const auto plane = shm::state_plane::make(small_region);
    auto& domain = plane->open_domain();
    auto channel = domain.make_channel(1);
    auto other = plane->domain().make_channel(1);
    wait w(*channel, 0, &wait::receive);
    ASSERT_TRUE(channel->park(w));
    plane->shut_down(domain.id());
    EXPECT_TRUE(drive(*plane, [&] { return w.outcome != attempt::would_block; }));
    EXPECT_EQ(w.outcome, attempt::stopped);
    EXPECT_EQ(channel->try_send(bytes_of(1)), attempt::stopped);
    EXPECT_THROW(static_cast<void>(domain.make_lock()), cadre::executor_stopped);
    EXPECT_EQ(other->try_send(bytes_of(1)), attempt::done);
}

TEST(shm_objects, threads_of_one_process) {
    const auto plane = shm::state_plane::make(small_region);
    auto channel = plane->domain().make_channel(3);
    constexpr int each = 20'000;
    std::atomic<long> sum{0};
    std::atomic<int> received{0};
    std::vector<std::thread> threads;
    for (int t = 0; t != 2; ++t)
        threads.emplace_back([&] {
            for (int i = 1; i <= each; ++i)
                while (channel->try_send(bytes_of(i)) != attempt::done)
                    std::this_thread::yield();
        });
    for (int t = 0; t != 2; ++t)
        threads.emplace_back([&] {
            byte_buffer b;
            while (received.load() < 2 * each) {
                if (channel->try_receive(b) != attempt::done) {
                    std::this_thread::yield();
                    continue;
                }
                sum.fetch_add(value_of<int>(b).value_or(0));
                received.fetch_add(1);
            }
        });
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(sum.load(), 2L * each * (each + 1) / 2);
}

}  // namespace
