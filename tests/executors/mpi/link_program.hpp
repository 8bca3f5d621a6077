/// @file
/// What the scenarios of link_program use: checks, recorded events, messages as text.
#pragma once

#include "node/node_link.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace link_program {

using namespace std::chrono_literals;
using cadre::detail::byte_buffer;
using cadre::detail::node::delivery;
using cadre::detail::node::node_id;
using cadre::detail::node::node_link;
using cadre::detail::node::node_link_events;
using cadre::detail::node::target;
using clock_type = std::chrono::steady_clock;

inline void require(bool holds, const char* what, int line) {
    if (!holds) {
        std::fprintf(stderr, "link_program:%d: not so: %s\n", line, what);
        std::_Exit(9);
    }
}
#define REQUIRE(condition) require((condition), #condition, __LINE__)

inline byte_buffer buffer_of(std::string_view text) {
    byte_buffer result;
    result.append(std::as_bytes(std::span(text)));
    return result;
}

inline std::string text_of(const byte_buffer& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct event {
    enum class kind { received, agent_joined, agent_gone, program_joined, program_gone } what{};
    delivery message{};
};

class recorder final : public node_link_events {
public:
    void received(delivery message) noexcept override { add({event::kind::received, std::move(message)}); }
    void agent_joined(node_id agent, byte_buffer hello) noexcept override {
        add({event::kind::agent_joined, {.tag = 0, .from = agent, .redelivered = false, .body = std::move(hello)}});
    }
    void agent_gone(node_id agent) noexcept override { add({event::kind::agent_gone, {.tag = 0, .from = agent}}); }
    void program_joined(byte_buffer hello) noexcept override {
        add({event::kind::program_joined, {.tag = 0, .from = 0, .redelivered = false, .body = std::move(hello)}});
    }
    void program_gone() noexcept override { add({event::kind::program_gone, {}}); }
    void engine_gone(std::string) noexcept override {}
    void engine_back() noexcept override {}

    event next() {
        std::unique_lock lock(mutex_);
        REQUIRE(arrived_.wait_for(lock, 60s, [this] { return !events_.empty(); }));
        event first = std::move(events_.front());
        events_.pop_front();
        return first;
    }
    event next(event::kind what) {
        event e = next();
        if (e.what != what) {
            std::fprintf(stderr, "event %d from %u instead of %d\n", static_cast<int>(e.what), e.message.from,
                         static_cast<int>(what));
            std::_Exit(9);
        }
        return e;
    }
    bool nothing_for(std::chrono::milliseconds time) {
        std::unique_lock lock(mutex_);
        return !arrived_.wait_for(lock, time, [this] { return !events_.empty(); });
    }

private:
    void add(event e) {
        {
            const std::lock_guard lock(mutex_);
            events_.push_back(std::move(e));
        }
        arrived_.notify_one();
    }

    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<event> events_;
};

struct context {
    node_link& link;
    recorder& events;
    std::vector<node_id> agents{};

    void send(target to, node_id agent, std::string_view text) { link.publish(to, agent, buffer_of(text)); }
    std::string receive(node_id* from = nullptr) {
        const event e = events.next(event::kind::received);
        if (from != nullptr) *from = e.message.from;
        return text_of(e.message.body);
    }
};

inline constexpr std::size_t mebi = std::size_t{1} << 20;

inline std::string pattern(std::size_t size, unsigned seed) {
    std::string result(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        result[i] = static_cast<char>((i * 31 + seed + (i >> 13)) & 0xff);
    return result;
}

// The agents send back what they receive until the program ends.
inline void echo(context& c) {
    for (;;) {
        event e = c.events.next();
        if (e.what == event::kind::program_gone) return;
        if (e.what == event::kind::received) {
            c.link.publish(target::program, 0, std::move(e.message.body));
            c.link.acknowledge(e.message.tag);
        }
    }
}

}  // namespace link_program
