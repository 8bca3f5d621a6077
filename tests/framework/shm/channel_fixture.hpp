// A channel of a test's plane, used through cores that may be deadly.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "framework/shm/processes.hpp"

#include "shm/arena.hpp"
#include "shm/channel_core.hpp"
#include "shm/object_table.hpp"

namespace shm_test {

inline constexpr std::size_t large_size = 100'000;

/// Its channel lies in the arena of the parent.
struct channel_fixture {
    std::unique_ptr<shm::state_plane> plane;
    std::shared_ptr<cadre::detail::shared_channel> channel;
    std::uint64_t cells;

    explicit channel_fixture(std::uint64_t capacity, const shm::region_options& options = small_region)
        : plane(shm::state_plane::make(options)), channel(plane->domain().make_channel(capacity)), cells(capacity) {}

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
    op_status send_large(shm::state_plane& p, shm::arena& space, int value) const {
        const auto b = space.allocate(large_size).block;
        std::memset(p.memory().at<std::byte>(b.data()), value, large_size);
        shm::length_of(p.memory(), b.offset).store(large_size);
        const op_status a = core<Probe>(p).send_block(b.offset);
        if (a != op_status::done) shm::arena::release(p.memory(), b.offset, shm::held_by(p.self()));
        return a;
    }
    /// Blocks of any arena that a process or object still holds.
    unsigned held_blocks() const {
        unsigned n = 0;
        for (unsigned s = 0; s != plane->memory().slots(); ++s)
            shm::for_each_block(plane->memory(), s, [&](shm::block_location b) {
                n += shm::holder_of(plane->memory(), b.offset).load() != shm::nobody ? 1u : 0u;
            });
        return n;
    }
    std::vector<int> drain() const {
        std::vector<int> all;
        byte_buffer b;
        while (channel->try_receive(b) == op_status::done) {
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

}  // namespace shm_test
