/// @file
/// An agent: runs the calls of a program in a process executor of this host.
#pragma once

#include "node/credit.hpp"
#include "node/hello.hpp"
#include "node/home_relay.hpp"
#include "node/message.hpp"
#include "node/node_link.hpp"
#include "node/parts.hpp"
#include "node/pool_factory.hpp"

#include <cadre/executor.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace cadre::detail::node {

class relayed_call;

/// Serves programs one at a time.
///
/// Events of the link update tables and submit calls to the pool. The thread that calls `serve` performs blocking
/// operations (it starts and ends pools), delivers the completions of the pool while it waits, and supervises long
/// calls.
///
/// `mutex_` guards the mutable members. Functions of the link, and those of the pool that complete no call, are called
/// under it: they do not call back. Calls are submitted to the pool without it.
class agent final : private node_link_events {
public:
    /// @param host the name of this host in the errors of the program
    agent(std::unique_ptr<node_link> link, pool_factory make_pool, std::string host);
    agent(const agent&) = delete;
    agent& operator=(const agent&) = delete;
    ~agent();

    /// Joins the run and serves until `leave`, or, if `once`, until the first program has ended. @throws config_error
    /// if it cannot join
    void serve(bool once);
    /// Accepts no more calls; `serve` returns when those that it has have ended. Thread-safe.
    void leave() noexcept;
    /// Whether a program has joined. Thread-safe.
    [[nodiscard]] bool has_served_program() noexcept;

private:
    friend class relayed_call;
    using clock = std::chrono::steady_clock;

    void received(delivery message) noexcept override;
    void agent_joined(node_id, byte_buffer) noexcept override {}
    void agent_gone(node_id) noexcept override {}
    void program_joined(byte_buffer hello) noexcept override;
    void program_gone() noexcept override;
    void engine_gone(std::string why) noexcept override;
    void engine_back() noexcept override {}

    void handle(delivery& message);
    void pass_on_answer(const home_message& m, std::span<const std::byte> body);
    void handle_incomplete(std::span<const std::byte> message);
    void run_call(delivery& message);
    [[nodiscard]] relayed_call* admit(received_call from, std::uint64_t tag, stop_reason& early);
    void handle_arguments(byte_buffer message);
    void handle_stop(call_number number, stop_reason why);
    void start_call(relayed_call& call) noexcept;

    void start_pool(const program_hello& hello, std::uint64_t generation);
    static void end_pool(const executor& pool);
    void announce();  // needs `mutex_`
    void send_status();  // needs `mutex_`
    void abandon_program();  // needs `mutex_`
    [[nodiscard]] bool is_waited_for(const relayed_call& call) const noexcept;  // needs `mutex_`
    void ended(relayed_call& call, call_reply reply) noexcept;
    void returned(const relayed_call& call, std::uint32_t from) noexcept;

    [[nodiscard]] bool finished() const noexcept;  // needs `mutex_`
    [[nodiscard]] bool has_to_act() noexcept;
    void supervise_calls();
    void set_alarm();  // needs `mutex_`
    void defer(std::function<void()> what);  // needs `mutex_`

    const pool_factory make_pool_;
    const std::string host_;
    std::unique_ptr<node_link> link_;

    std::mutex mutex_;
    std::deque<std::function<void()>> to_do_;
    std::uint64_t generation_ = 0;  // of programs: actions for an earlier one are dropped
    bool program_here_ = false;
    bool welcome_ = false;
    epoch_number epoch_ = 0;  // of the program that has welcomed this agent
    executor pool_;  // empty: no pool
    std::shared_ptr<home_relay> relay_;  // of the pool, or of one that starts; null: none
    credit_control credit_{1};
    std::uint64_t reported_restarts_ = 0;
    std::unordered_map<call_number, relayed_call*> calls_;
    std::unordered_map<call_number, stop_reason> early_stops_;  // for calls that have not arrived
    part_collector parts_;  // only events use it
    bool alarm_set_ = false;  // an alarm will set `alarm_fired_`
    bool alarm_soon_ = false;  // within 2 ms
    const std::shared_ptr<std::atomic<bool>> alarm_fired_ = std::make_shared<std::atomic<bool>>(false);
    bool leaving_ = false;
    const std::shared_ptr<std::atomic<bool>> may_leave_ = std::make_shared<std::atomic<bool>>(false);
    bool once_ = false;
    bool program_ended_ = false;
};

}  // namespace cadre::detail::node
