/// @file
/// An executor whose calls run in the worker processes of several hosts: the program's side.
#pragma once

#include "node/answer_port.hpp"
#include "node/credit.hpp"
#include "node/message.hpp"
#include "node/node_link.hpp"
#include "node/parts.hpp"
#include "node/placement.hpp"
#include "node/pool_factory.hpp"
#include "state/home_domain.hpp"
#include "state/home_service.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/detail/scheduler/task_limits.hpp>
#include <cadre/executor.hpp>
#include <cadre/executor_backend.hpp>
#include <cadre/executors/process_options.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace cadre::detail::node {

struct node_settings {
    executor_kind kind = executor_kind::cluster;
    std::string name{};
    std::string host{};           ///< the name of this host
    process_options pool{};       ///< of each host; `workers` is the number for one host
    bool local = false;           ///< whether the program's host also runs calls, in a pool of its own
    std::size_t nodes = 0;        ///< number of agents that `create` waits for
    std::chrono::nanoseconds nodes_wait = std::chrono::seconds(30);
    pool_factory make_pool{};
};

/// The settings that are common to all kinds of several hosts; the caller sets the others.
[[nodiscard]] node_settings settings_of_hosts(executor_kind kind, const process_options& host);

class local_call;

/// Assigns calls to agents and to the local pool, and completes each of them once: when its reply arrives, or when it
/// is lost. Thread-safe.
///
/// `mutex_` guards the placement and the agents. The link's `publish` of small messages and the local pool's
/// `request_stop` and `stats` are called under it; none of them calls back. Calls are encoded, submitted and completed
/// without it. A call of the link is completed by an event, by the thread that submits it, or, before it is
/// submitted, by the coordinator.
class node_backend final : public executor_backend,
                           private portable_identity,
                           private borrowed_arguments,
                           private raw_chunks,
                           private task_limits,
                           private home_answers,
                           private node_link_events {
public:
    /// Joins the run and waits for `nodes` agents. @throws config_error if the engine cannot be used or too few agents
    /// join in time
    [[nodiscard]] static std::shared_ptr<node_backend> create(node_settings settings, std::unique_ptr<node_link> link);
    ~node_backend() override;

    [[nodiscard]] executor_kind kind() const noexcept override { return settings_.kind; }
    [[nodiscard]] std::size_t concurrency() const noexcept override;
    [[nodiscard]] std::string name() const override { return settings_.name; }
    [[nodiscard]] executor_stats stats() const override;
    [[nodiscard]] bool remote() const noexcept override { return true; }
    [[nodiscard]] bool limits_calls() const noexcept override { return true; }
    [[nodiscard]] int default_retries() const noexcept override { return settings_.pool.retries; }
    void submit(std::span<work_item* const> items) noexcept override;
    void submit(std::span<portable_call* const> calls) noexcept override;
    void request_stop(portable_call& call, stop_reason why) noexcept override;
    void request_stop() noexcept override { stop_all(stop_reason::requested); }
    /// Its objects live in this process.
    [[nodiscard]] memory_domain* domain() noexcept override { return home_.get(); }
    [[nodiscard]] void* query(const std::type_info& extension) noexcept override;
    void shutdown(std::chrono::steady_clock::time_point deadline, std::function<void()> done) override;

private:
    friend class local_call;
    using clock = std::chrono::steady_clock;

    struct agent {
        const std::string* host = nullptr;
        std::uint64_t restarts = 0;  // restarts of its workers
    };
    /// Actions for after the release of `mutex_`.
    struct actions {
        struct completion {
            portable_call* call;
            call_reply reply;
        };
        struct hand_over {
            call_number number;
            portable_call* call;
            portable_call* relay;  // null: the call is published on the link
            node_id agent;
            epoch_number epoch;
            std::exception_ptr failure{};
        };
        std::vector<completion> ended{};
        std::vector<hand_over> handed{};
    };

    node_backend(node_settings settings, std::unique_ptr<node_link> link);
    static void release(node_backend* last) noexcept;
    void start();
    void wait_for_nodes();

    /// Passes on what the workers of the local pool ask of the objects.
    class local_home;
    void answer(home_client to, std::uint64_t ticket, byte_buffer body) noexcept override;
    void handle_home(node_id from, message_kind kind, std::span<const std::byte> message);
    [[nodiscard]] executor_identity portable_id() const noexcept override { return identity_; }
    [[nodiscard]] std::chrono::nanoseconds default_limit() const noexcept override {
        return settings_.pool.task_timeout;
    }

    // Events of the link.
    void received(delivery message) noexcept override;
    void agent_joined(node_id id, byte_buffer hello) noexcept override;
    void agent_gone(node_id id) noexcept override;
    void program_joined(byte_buffer) noexcept override {}
    void program_gone() noexcept override {}
    void engine_gone(std::string why) noexcept override;
    void engine_back() noexcept override {}

    void handle(delivery& message);
    void handle_reply(node_id from, byte_buffer message);
    void handle_incomplete(node_id from, std::span<const std::byte> message);
    void handle_returned(node_id sender, const note& n);
    void handle_progress(node_id from, std::span<const std::byte> message);
    void handle_held(node_id from, std::span<const std::byte> message);
    void handle_status(node_id from, std::span<const std::byte> message);
    void handle_unusable(node_id from, const std::string& why);
    void handle_arguments_request(node_id from, const note& n);
    void handle_undelivered(call_number number, bool may_have_begun);
    void handle_declined(node_id from, call_number number);
    void handle_lost(node_id from, call_number number);
    void local_ended(call_number number, call_reply reply, pid_t worker) noexcept;

    // These need `mutex_`.
    void dispatch(actions& later);
    void request_stop_of(placed_call& c, stop_reason why) noexcept;
    void end(placed_call& c, call_reply reply, actions& later) noexcept;
    /// Its place, which may have begun the call, has left the run.
    void lose(placed_call& c, const std::string& why, actions& later);
    template <class Condition>
    void lose_all(Condition is_lost, const std::string& why, actions& later);
    /// Null if no agent can have the call.
    [[nodiscard]] placed_call* find_at_agent(call_number number) noexcept;
    /// Null also if another agent has it.
    [[nodiscard]] placed_call* find_at_agent(call_number number, node_id has_it) noexcept;
    [[nodiscard]] bool is_joined(node_id id) noexcept;
    [[nodiscard]] const std::string* host_of(node_id id) const;
    [[nodiscard]] const std::string* keep_host(std::string host);

    void stop_all(stop_reason why) noexcept;
    void perform(actions later) noexcept;
    void give_to_places(actions& later) noexcept;

    // The coordinator's thread.
    void coordinate() noexcept;
    void supervise_calls(actions& later);
    [[nodiscard]] bool needs_polling() noexcept;  // needs `mutex_`
    void leave_run(const std::function<void()>& done);

    const node_settings settings_;
    const executor_identity identity_;
    std::unique_ptr<node_link> link_;
    const std::shared_ptr<home_domain> home_;
    home_service objects_;
    answer_port local_port_;
    executor local_;  // empty: no local pool

    mutable std::mutex mutex_;
    std::condition_variable joined_;
    std::condition_variable wake_coordinator_;
    placement placement_;
    epoch_number epoch_;
    credit_control local_credit_{1};
    std::map<node_id, agent> agents_;
    std::set<std::string> hosts_;  // names that calls refer to
    std::string refusal_;  // the last reason that an agent was refused, for `wait_for_nodes`
    std::string last_lost_;  // the host of the agent that left last
    std::uint64_t failed_ = 0;
    std::uint64_t retried_ = 0;
    std::uint64_t restarts_ = 0;
    part_collector parts_;  // only events use it

    actions deferred_;  // for the coordinator
    std::deque<std::function<void()>> to_do_;  // for the coordinator
    bool coordinator_ends_ = false;
    bool coordinator_polls_ = false;  // it polls: no wake-up is needed
    bool any_forced_ = false;  // a call may be about to be killed
    std::thread coordinator_;
};

}  // namespace cadre::detail::node
