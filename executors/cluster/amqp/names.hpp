/// @file
/// The names of a group's exchange, queues and routing keys in the broker. All begin with `cadre.`, so that permissions
/// can be set by that pattern.
#pragma once

#include <cstdint>
#include <string>

#include "message_header.hpp"

namespace cadre::detail::amqp {

class group_names {
public:
    explicit group_names(const std::string& group) : exchange_("cadre." + group) {}

    [[nodiscard]] const std::string& exchange() const noexcept { return exchange_; }
    /// Exclusive to the program; receives the messages of agents.
    [[nodiscard]] std::string program_queue() const { return exchange_ + ".program"; }
    /// Calls and chunks of a session that no agent has received yet.
    [[nodiscard]] std::string work_queue(std::uint64_t session) const {
        return exchange_ + "." + digits(session) + ".work";
    }
    /// Holds the token of the program of a session.
    [[nodiscard]] std::string session_token(std::uint64_t session) const {
        return exchange_ + "." + digits(session) + ".token";
    }
    /// Exclusive to an agent.
    [[nodiscard]] std::string agent_queue(std::uint64_t agent) const { return exchange_ + ".agent." + digits(agent); }
    /// Holds the token of an agent.
    [[nodiscard]] std::string agent_token(std::uint64_t agent) const {
        return exchange_ + ".agent." + digits(agent) + ".token";
    }

    [[nodiscard]] static std::string program_key() { return "program"; }
    [[nodiscard]] static std::string all_agents_key() { return "agents"; }
    [[nodiscard]] static std::string agent_key(std::uint64_t agent) { return "agent." + digits(agent); }
    [[nodiscard]] static std::string work_key(std::uint64_t session) { return "work." + digits(session); }
    [[nodiscard]] static std::string token_key(std::uint64_t owner) { return "token." + digits(owner); }

private:
    [[nodiscard]] static std::string digits(std::uint64_t value) {
        const auto text = hexadecimal(value);
        return {text.data(), text.size()};
    }

    std::string exchange_;
};

}  // namespace cadre::detail::amqp
