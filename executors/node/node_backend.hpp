/// @file
/// An executor whose calls run in the worker processes of other hosts: the program's side.
#pragma once

#include "node/message.hpp"
#include "node/node_link.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/executor.hpp>
#include <cadre/executor_backend.hpp>
#include <cadre/executors/process_options.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cadre::detail::node {

/// Makes the process executor of one host.
using pool_factory = executor (*)(const process_options& options, const executor_identity& identity);

struct node_settings {
    executor_kind kind = executor_kind::cluster;
    std::string name{};
    process_options pool{};       ///< of each host; `workers` is a number for each
    bool local = false;           ///< the program's host runs calls, too, in a pool of its own
    std::size_t nodes = 0;        ///< `create` waits for so many agents
    std::chrono::nanoseconds nodes_wait = std::chrono::seconds(30);
    pool_factory make_pool = nullptr;
};

/// Submits calls to the link, or to the local pool, and completes each once: when its reply arrives, or when it is known to be lost.
/// Thread-safe.
///
/// `mutex_` guards the tables. Under it: the link's `publish` and the local pool's `request_stop`, neither of which calls back. Calls
/// complete, and go to the local pool, without it.
/// A reply that says why a call did not complete.
[[nodiscard]] call_reply failed(std::exception_ptr error);

class node_backend final : public executor_backend,
                           private portable_identity,
                           private borrowed_arguments,
                           private raw_chunks,
                           private node_link_events {
public:
    /// Joins the run and waits for `nodes` agents. @throws config_error
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
    [[nodiscard]] void* query(const std::type_info& extension) noexcept override;
    void shutdown(std::chrono::steady_clock::time_point deadline, std::function<void()> done) override;

private:
    class local_call;

    struct agent {
        std::string host;
        std::size_t workers = 0;  // 0: its pool does not run yet
    };
    struct sent_call {
        portable_call* call = nullptr;
        local_call* local = nullptr;  // null: it was given to the link
        std::uint32_t items = 1;  // without those that were taken back
        int retries = 0;  // that are left
        node_id taken_by = 0;  // 0: not known
        stop_reason stop = stop_reason::none;
    };
    /// What is done when `mutex_` has been released.
    struct actions {
        struct completion {
            portable_call* call;
            call_reply reply;
        };
        std::vector<completion> ended{};
        std::vector<portable_call*> local{};
        std::vector<call_number> local_numbers{};
    };

    node_backend(node_settings settings, std::unique_ptr<node_link> link);
    static void release(node_backend* last) noexcept;
    void start();
    void wait_for_nodes();
    void close(std::function<void()> done);

    [[nodiscard]] executor_identity portable_id() const noexcept override { return identity_; }

    void received(delivery message) noexcept override;
    void agent_joined(node_id id, byte_buffer hello) noexcept override;
    void agent_gone(node_id id) noexcept override;
    void work_given(node_id agent, std::span<const std::byte> body) noexcept override;
    void program_joined(byte_buffer) noexcept override {}
    void program_gone() noexcept override {}
    void engine_gone(std::string why) noexcept override;
    void engine_back() noexcept override {}

    void handle(delivery& message);
    void handle_reply(node_id from, std::span<const std::byte> message);
    void handle_returned(call_number number, std::uint32_t from);
    void handle_ready(node_id from, std::uint32_t workers);
    void local_ended(call_number number, call_reply reply) noexcept;

    // These need `mutex_`.
    void place(portable_call& call, int retries, actions& later);
    [[nodiscard]] bool prefers_local() const noexcept;
    void request_stop_of(call_number number, sent_call& sent, stop_reason why) noexcept;
    [[nodiscard]] std::optional<sent_call> take(call_number number) noexcept;
    /// The agent that may have begun the call is gone.
    void lose(call_number number, const std::string& why, actions& later);
    /// As `lose`, for all calls that were given to the link and fulfil the condition.
    template <class F>
    void lose_if(F condition, const std::string& why, actions& later);
    [[nodiscard]] std::string host_of(node_id id) const;

    void stop_all(stop_reason why) noexcept;
    void perform(actions& later) noexcept;
    static void put_raw_results(const portable_call& call, std::uint32_t items, call_reply& reply);

    const node_settings settings_;
    const executor_identity identity_;
    const std::string host_;
    std::unique_ptr<node_link> link_;
    executor local_;  // empty: none

    mutable std::mutex mutex_;
    std::condition_variable joined_;
    std::map<node_id, agent> agents_;
    std::string last_lost_;  // the host of the agent that went last
    std::unordered_map<call_number, sent_call> calls_;
    call_number last_number_ = 0;
    std::size_t remote_workers_ = 0;
    std::size_t remote_calls_ = 0;
    std::size_t local_workers_ = 0;
    std::size_t local_calls_ = 0;
    std::uint64_t lost_agents_ = 0;
};

}  // namespace cadre::detail::node
