/// @file
/// An agent: runs the calls of a program in a process executor of this host.
#pragma once

#include "node/message.hpp"
#include "node/node_backend.hpp"
#include "node/node_link.hpp"

#include <cadre/executor.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace cadre::detail::node {

/// Serves programs, one after the other. Events of the link change tables and give calls to the pool; what may block (to start and to
/// end a pool) is done by the thread that calls `serve`.
class agent final : private node_link_events {
public:
    agent(std::unique_ptr<node_link> link, pool_factory make_pool);
    agent(const agent&) = delete;
    agent& operator=(const agent&) = delete;
    ~agent();

    /// Joins, and serves until `leave`, or, if `once`, until the first program has ended. @throws config_error
    void serve(bool once);
    /// Finishes what it has taken, and makes `serve` return. Any thread.
    void leave() noexcept;

private:
    class relayed_call;

    void received(delivery message) noexcept override;
    void agent_joined(node_id, byte_buffer) noexcept override {}
    void agent_gone(node_id) noexcept override {}
    void program_joined(byte_buffer hello) noexcept override;
    void program_gone() noexcept override;
    void engine_gone(std::string why) noexcept override;
    void engine_back() noexcept override {}

    void run_call(delivery& message);
    void handle_stop(call_number number, stop_reason why);
    void start_pool(program_hello hello);
    void end_pool();
    void ended(relayed_call& call, call_reply& reply) noexcept;
    void adapt_credit(std::uint32_t nanoseconds) noexcept;  // needs `mutex_`
    void do_later(std::function<void()> what);

    const pool_factory make_pool_;
    const std::string host_;
    std::unique_ptr<node_link> link_;

    std::mutex mutex_;  // under it: the pool's `request_stop` and the link's functions, none of which calls back
    std::condition_variable changed_;
    std::deque<std::function<void()>> to_do_;
    executor pool_;  // empty: none runs
    std::string executor_name_;
    std::unordered_map<call_number, relayed_call*> calls_;
    std::unordered_map<call_number, stop_reason> early_stops_;  // of calls that have not arrived
    double mean_time_ = 0;  // of calls, in nanoseconds; 0: not known
    std::uint32_t credit_ = 0;
    bool leaving_ = false;
    bool program_ended_ = false;
};

}  // namespace cadre::detail::node
