// Objects of a test's plane: their handles as bytes, and waits without a coroutine.
#pragma once

#include <chrono>
#include <coroutine>
#include <functional>
#include <vector>

#include <poll.h>

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/state/channel_message.hpp>
#include <cadre/detail/state/memory_domain.hpp>

#include "framework/shm/processes.hpp"

#include "shm/object_table.hpp"

namespace shm_test {

using cadre::detail::codec_context;
using cadre::detail::decoder;
using cadre::detail::encoder;
using cadre::detail::shared_channel;
using cadre::detail::shared_object;

inline unsigned objects_in(const shm::state_plane& p) {
    unsigned n = 0;
    for (unsigned s = 0; s != p.memory().slots(); ++s)
        for (std::uint64_t i = 0; i != p.memory().arena(s).objects_used.load(); ++i)
            n += (p.memory().object(s, i).state.load() & 0xff) != 0 ? 1u : 0u;
    return n;
}

/// The bytes own a presence of the object.
template <class Object>
byte_buffer encoded(const Object& o) {
    byte_buffer b;
    encoder e(b);
    o.encode(e);
    return b;
}

/// A channel's message of one handle. Its sender keeps the object until the message is queued.
template <class Object>
byte_buffer carrier(const Object& o) {
    byte_buffer b;
    cadre::detail::handle_names names;
    codec_context context;
    context.user = &names;
    encoder e(b, &context);
    o.encode(e);
    EXPECT_TRUE(append_names(b, names));
    return b;
}

inline byte_buffer copy(const byte_buffer& from) {
    byte_buffer b;
    b.append(from.span());
    return b;
}

/// The loop of a process that waits for `done`: polls, sleeps, is woken.
inline bool drive(shm::state_plane& p, const std::function<bool()>& done) {
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
struct pending_wait : shared_object::pending_operation {
    byte_buffer message;

    pending_wait(shared_object& o, unsigned q, op_status (*f)(pending_operation&) noexcept) {
        object = &o;
        queue = q;
        try_now = f;
        prepare(std::noop_coroutine(), nullptr, &shared_object::cancel);
    }
    static op_status receive(pending_operation& p) noexcept {
        return static_cast<shared_channel*>(p.object)->try_receive(static_cast<pending_wait&>(p).message);
    }
    static op_status send(pending_operation& p) noexcept {
        return static_cast<shared_channel*>(p.object)->try_send(static_cast<pending_wait&>(p).message.span());
    }
    static op_status lock(pending_operation& p) noexcept {
        bool died = false;
        return static_cast<cadre::detail::process_lock*>(p.object)->try_lock(died);
    }
};

}  // namespace shm_test
