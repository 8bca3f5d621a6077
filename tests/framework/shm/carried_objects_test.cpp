// Objects whose handles are inside messages of channels: they live as long as the message can be received, and no
// longer.

#include "framework/shm/plane_fixture.hpp"

#include <vector>

#include "shm/channel_core.hpp"

namespace {

using namespace shm_test;
using cadre::detail::held_objects;
using shm::step;

/// Keeps `into`'s only message, a handle of a new lock, alone in the queue.
void send_lock(shm::state_plane& p, shared_channel& into) {
    const auto lock = p.domain().make_lock();
    ASSERT_EQ(into.try_send(carrier(*lock).span(), true), op_status::done);
}

TEST(shm_carried, live_until_the_message_is_received) {
    const auto plane = shm::state_plane::make(small_region);
    const auto channel = plane->domain().make_channel(4);
    for (const bool large : {false, true}) {
        {
            const auto block = plane->domain().make_block(1000, 64);
            std::memset(block->data(), 7, 1000);
            byte_buffer message = carrier(*block);
            if (large) {  // the handle, something more, and the names at the end
                byte_buffer longer;
                longer.append(message.span());
                longer.append(std::vector<std::byte>(10'000));
                longer.append(message.span());
                message = std::move(longer);
            }
            ASSERT_EQ(channel->try_send(message.span(), true), op_status::done);
        }
        EXPECT_EQ(objects_in(*plane), 2u);
        byte_buffer b;
        {
            held_objects held;
            ASSERT_EQ(channel->try_receive(b, &held), op_status::done);
            EXPECT_EQ(held.size(), 1u);
            decoder d(b.span());
            const auto block = plane->domain().take_block(d);
            held.clear();
            EXPECT_EQ(static_cast<unsigned char*>(block->data())[999], 7);
        }
        EXPECT_EQ(objects_in(*plane), 1u);
    }
}

TEST(shm_carried, are_freed_with_a_channel_that_is_destroyed_unread) {
    const auto plane = shm::state_plane::make(small_region);
    auto channel = plane->domain().make_channel(4);
    for (int i = 0; i != 3; ++i)
        send_lock(*plane, *channel);
    EXPECT_EQ(objects_in(*plane), 4u);
    channel.reset();
    EXPECT_EQ(objects_in(*plane), 0u);
}

TEST(shm_carried, are_freed_at_any_depth) {
    const auto plane = shm::state_plane::make(small_region);
    auto outer = plane->domain().make_channel(1);
    for (int i = 0; i != 5000; ++i) {
        auto next = plane->domain().make_channel(1);
        ASSERT_EQ(next->try_send(carrier(*outer).span(), true), op_status::done);
        outer = next;
    }
    EXPECT_EQ(objects_in(*plane), 5001u);
    outer.reset();
    EXPECT_EQ(objects_in(*plane), 0u);
}

TEST(shm_carried, are_freed_with_a_channel_whose_last_user_is_killed) {
    const auto plane = shm::state_plane::make(small_region);
    EXPECT_EQ(run(*plane,
                  [](shm::state_plane& p) {
                      const auto channel = p.domain().make_channel(4);
                      send_lock(p, *channel);
                      send_lock(p, *channel);
                      ::kill(::getpid(), SIGKILL);
                  }),
              SIGKILL);
    EXPECT_EQ(objects_in(*plane), 0u);
}

TEST(shm_carried, outlive_their_sender_and_are_received) {
    const auto plane = shm::state_plane::make(small_region);
    const auto channel = plane->domain().make_channel(4);
    auto handle = encoded(*channel);
    EXPECT_EQ(run(*plane,
                  [&](shm::state_plane& p) {
                      decoder d(handle.span());
                      send_lock(p, *p.domain().take_channel(d));
                      ::kill(::getpid(), SIGKILL);
                  }),
              SIGKILL);
    EXPECT_EQ(objects_in(*plane), 2u);
    byte_buffer b;
    held_objects held;
    ASSERT_EQ(channel->try_receive(b, &held), op_status::done);
    decoder d(b.span());
    bool died = false;
    EXPECT_EQ(plane->domain().take_lock(d)->try_lock(died), op_status::done);
    held.clear();
    EXPECT_EQ(objects_in(*plane), 1u);
}

TEST(shm_carried, are_not_lost_with_a_sender_or_receiver_that_is_killed_at_any_step) {
    for (const step s : {step::send_claimed, step::send_counted, step::send_written, step::send_published,
                         step::receive_claimed, step::receive_counted, step::receive_copied, step::receive_consumed}) {
        const auto plane = shm::state_plane::make(small_region);
        const auto channel = plane->domain().make_channel(4);
        shm::object_table t(plane->memory(), plane->self());
        std::optional<shm::object_data> data;
        t.for_each([&](shm::object_ref o, shm::object_phase) { data = t.data_of(o); });
        const auto at = static_cast<std::uint64_t>(data->data - plane->memory().at<std::byte>(0));
        child c = start(*plane, [&](shm::state_plane& p) {
            shm::channel_core<killer> core(p.memory(), p.memory().at<std::byte>(at), 4, p.self());
            {
                // As the channel's own `try_send` does it.
                const auto lock = p.domain().make_lock();
                const byte_buffer message = carrier(*lock);
                cadre::detail::handle_names names;
                static_cast<void>(read_names(message.span(), names));
                shm::object_table objects(p.memory(), p.self());
                objects.add_queued(shm::named(names[0]));
                killer::arm(s);
                static_cast<void>(core.send(message.span(), true));
            }
            byte_buffer b;
            unsigned skipped = 0;
            static_cast<void>(core.receive(b, skipped));
        });
        ASSERT_EQ(c.wait(), SIGKILL);
        plane->recover(c.id);
        const bool sent = s == step::send_published || s == step::receive_claimed || s == step::receive_counted ||
                          s == step::receive_copied;
        EXPECT_EQ(objects_in(*plane), sent ? 2u : 1u) << static_cast<int>(s);
        byte_buffer b;
        EXPECT_EQ(channel->try_receive(b), sent ? op_status::done : op_status::would_block);
        EXPECT_EQ(objects_in(*plane), 1u) << static_cast<int>(s);
    }
}

TEST(shm_carried, a_message_with_too_many_names_is_refused) {
    constexpr std::size_t many = (std::size_t{1} << 20) + 1;
    cadre::detail::handle_names names(many, cadre::detail::handle_name{});
    byte_buffer message;
    EXPECT_THROW(static_cast<void>(append_names(message, names)), cadre::not_portable);
    const std::uint64_t count = many;
    message.append(std::as_bytes(std::span(names)));
    message.append(std::as_bytes(std::span(&count, 1)));
    names.clear();
    EXPECT_EQ(read_names(message.span(), names), 0u);
    EXPECT_TRUE(names.empty());
}

TEST(shm_carried, invalid_names_are_errors) {
    const auto plane = shm::state_plane::make(small_region);
    auto channel = plane->domain().make_channel(4);
    const auto lock = plane->domain().make_lock();
    const byte_buffer message = carrier(*lock);
    for (std::size_t at = 0; at != message.size(); ++at)
        for (unsigned value = 0; value < 256; value += 5) {
            byte_buffer b = copy(message);
            b.data()[at] = static_cast<std::byte>(value);
            // Queued without counting, as by a faulty sender.
            shm::object_table t(plane->memory(), plane->self());
            t.for_each([&](shm::object_ref o, shm::object_phase) {
                if (o.kind != shm::object_kind::channel) return;
                const auto d = t.data_of(o);
                shm::channel_core<> core(plane->memory(), d->data, d->parameter, plane->self());
                EXPECT_EQ(core.send(b.span(), true), op_status::done);
            });
            if (value % 2 == 0) {
                held_objects held;
                static_cast<void>(channel->try_receive(b, &held));
            } else {
                channel.reset();
                channel = plane->domain().make_channel(4);
            }
        }
    bool died = false;
    EXPECT_EQ(lock->try_lock(died), op_status::done);
    EXPECT_EQ(objects_in(*plane), 2u);
}

}  // namespace
