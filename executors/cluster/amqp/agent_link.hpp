/// @file
/// The agent's endpoint of the link.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "link_base.hpp"
#include "work_consumers.hpp"

namespace cadre::detail::amqp {

/// Waits for a program, then serves its session. Work arrives on the connection of the writer, on the channel of the
/// replies, so that the broker processes an acknowledgement after the replies that were published before it. All other
/// messages arrive on the other connection.
class agent_link final : public link_base {
public:
    agent_link(const rabbitmq_library& library, broker_address address, const std::string& group,
               link_timing timing = {});
    ~agent_link() override { stop(clock::now()); }

    void publish(node::target to, node::node_id agent, byte_buffer body) noexcept override;
    void acknowledge(std::uint64_t tag) noexcept override;
    void set_credit(std::uint32_t messages) noexcept override;
    void drain_work() noexcept override {}

private:
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

    void send_hello();
    void take_welcome(inbound message);
    void end_session();
    void join_in_writer(std::uint64_t session);
    void leave_in_writer();
    void adapt_consumers();
    void take_own_token(const inbound& message);
    void publish_token();
    void take_work(inbound message);

    std::uint64_t key_ = 0;  // of this agent; a new one for each connection

    // Written by the control thread, read by `publish`.
    std::atomic<std::uint64_t> session_ = 0;
    std::atomic<std::uint64_t> number_ = 0;
    std::uint64_t left_sessions_ = 0;
    clock::time_point hello_sent_at_{};

    // Inputs of the writer thread.
    std::atomic<std::uint64_t> wanted_session_ = 0;
    std::atomic<std::uint32_t> credit_ = 0;

    // Used by the writer thread only.
    std::uint64_t served_session_ = 0;
    work_consumers consumers_;
    std::uint64_t connection_number_ = 0;  // part of the tags, so that those of an earlier connection differ
    std::uint64_t token_tag_ = 0;
    clock::time_point token_since_{};
};

}  // namespace cadre::detail::amqp
