/// @file
/// Records the events of a link, for tests that wait for them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/amqp_link.hpp"

namespace cadre::test {

using detail::byte_buffer;
using detail::node::delivery;
using detail::node::node_id;
using detail::node::node_link;
using detail::node::target;

inline byte_buffer bytes_of(std::string_view text) {
    byte_buffer bytes;
    bytes.append(std::as_bytes(std::span(text)));
    return bytes;
}

inline std::string text_of(const byte_buffer& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class recorded_events final : public detail::node::node_link_events {
public:
    struct message {
        std::uint64_t tag = 0;
        node_id from = 0;
        bool redelivered = false;
        std::string text{};
    };
    struct state {
        std::vector<message> messages{};
        std::vector<node_id> joined{};
        std::vector<node_id> gone{};
        std::vector<std::string> hellos{};
        int program_joined = 0;
        int program_gone = 0;
        int engine_gone = 0;
        int engine_back = 0;
        std::string why{};
    };

    /// Called for each message, in the link's thread, after it was recorded.
    std::function<void(const message&)> on_message{};

    void received(delivery arrived) noexcept override {
        const message got{arrived.tag, arrived.from, arrived.redelivered, text_of(arrived.body)};
        change([&](state& s) { s.messages.push_back(got); });
        if (on_message) on_message(got);
    }
    void agent_joined(node_id agent, byte_buffer hello) noexcept override {
        change([&](state& s) {
            s.joined.push_back(agent);
            s.hellos.push_back(text_of(hello));
        });
    }
    void agent_gone(node_id agent) noexcept override {
        change([&](state& s) { s.gone.push_back(agent); });
    }
    void program_joined(byte_buffer hello) noexcept override {
        change([&](state& s) {
            ++s.program_joined;
            s.hellos.push_back(text_of(hello));
        });
    }
    void program_gone() noexcept override {
        change([](state& s) { ++s.program_gone; });
    }
    void engine_gone(std::string why) noexcept override {
        change([&](state& s) {
            ++s.engine_gone;
            s.why = std::move(why);
        });
    }
    void engine_back() noexcept override {
        change([](state& s) { ++s.engine_back; });
    }

    /// Waits until `condition(state)` holds. @return whether it does, after at most 20 s
    template <class Condition>
    [[nodiscard]] bool wait(Condition condition) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return condition(state_); });
    }
    [[nodiscard]] bool wait_for_messages(std::size_t count) {
        return wait([=](const state& s) { return s.messages.size() >= count; });
    }
    [[nodiscard]] state now() {
        const std::scoped_lock lock(mutex_);
        return state_;
    }

private:
    template <class Change>
    void change(Change change) {
        const std::scoped_lock lock(mutex_);
        change(state_);
        changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    state state_;
};

}  // namespace cadre::test
