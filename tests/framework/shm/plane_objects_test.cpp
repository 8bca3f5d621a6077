// Lifetime of the plane's objects.

#include "framework/shm/plane_fixture.hpp"

#include <vector>

#include <cadre/errors.hpp>

namespace {

using namespace shm_test;

TEST(shm_objects, one_object_in_a_process_freed_with_the_last_handle) {
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

TEST(shm_objects, a_message_keeps_the_objects_of_its_handles) {
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

TEST(shm_objects, with_a_context_the_sender_keeps_the_object) {
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
        if (made->try_acquire(2) != op_status::done) ::_exit(1);
        static_cast<void>(out->try_send(encoded(*made).span()));
        ::kill(::getpid(), SIGKILL);
    });
    ASSERT_EQ(c.wait(), SIGKILL);
    plane->recover(c.id);
    byte_buffer b;
    ASSERT_EQ(channel->try_receive(b), op_status::done);
    decoder d(b.span());
    auto semaphore = plane->domain().take_semaphore(d);
    EXPECT_EQ(semaphore->available(), 3u);
    // The next process in the slot does not reuse it.
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

TEST(shm_objects, of_dead_processes_are_freed) {
    const auto plane = shm::state_plane::make(small_region);
    for (int i = 0; i != 50; ++i) {
        child c = start(*plane, [&](shm::state_plane& p) {
            auto a = p.domain().make_channel(10);
            auto b = p.domain().make_block(200'000, 16);
            static_cast<void>(a->try_send(std::vector<std::byte>(5000)));
            ::kill(::getpid(), SIGKILL);
        });
        ASSERT_EQ(c.wait(), SIGKILL);
        plane->recover(c.id);
        EXPECT_EQ(objects_in(*plane), 0u);
        unsigned held = 0;
        shm::for_each_block(plane->memory(), c.id.slot, [&](shm::block_location b) {
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
    EXPECT_EQ(lock->try_lock(died), op_status::done);
}

}  // namespace
