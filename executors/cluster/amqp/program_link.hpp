/// @file
/// The program's endpoint of the link.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "link_base.hpp"

namespace cadre::detail::amqp {

/// Owns the session: the queue of work, its own exclusive queue and the session's token. Watches the token of each
/// agent.
class program_link final : public link_base {
public:
    program_link(const rabbitmq_library& library, broker_address address, const std::string& group,
                 link_timing timing = {});
    ~program_link() override { stop(clock::now()); }

    void publish(node::target to, node::node_id to_agent, byte_buffer body) noexcept override;
    void acknowledge(std::uint64_t /*tag*/) noexcept override {}
    void set_credit(std::uint32_t /*messages*/) noexcept override {}
    void drain_work() noexcept override;

private:
    struct agent {
        std::uint64_t key = 0;
        std::uint64_t joins = 0;  ///< from its hello: the number of sessions that the agent has left
        bool leaving = false;  ///< no message is sent to it
    };

    void set_up() override;
    void forget_session() noexcept override;
    void control_received(inbound message) override;
    void control_turn(clock::time_point now) override;
    void writer_received(inbound message) override;
    void writer_turn(clock::time_point now) override;
    std::string key_of(const outgoing& entry) const override;
    void write_acknowledgement(const outgoing& entry) override;
    void begin_leaving() override;
    void writer_leaves() override;
    void control_leaves() override;

    void declare_program_queue();
    void publish_token();
    void take_session_token(const inbound& message);
    void take_from_agents(inbound message);
    void take_hello(inbound message);
    void take_bye(node::node_id id);
    void take_fence(node::node_id id);
    void take_agent_token(const inbound& message);
    void unwatch(node::node_id id, std::uint64_t key);
    void remove(node::node_id id);
    [[nodiscard]] std::optional<agent> find(std::uint64_t id) const;
    void begin_drain();
    void end_drain();

    std::atomic<std::uint64_t> session_ = 0;
    bool was_up_ = false;
    mutable std::mutex agents_mutex_;
    std::map<node::node_id, agent> agents_;  // changed by the control thread only
    node::node_id last_id_ = 0;
    std::uint64_t token_tag_ = 0;
    clock::time_point token_since_{};
    clock::time_point work_declared_{};
    std::atomic<bool> drain_requested_ = false;
    bool draining_ = false;
    clock::time_point drain_until_{};
};

}  // namespace cadre::detail::amqp
