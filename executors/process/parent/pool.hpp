/// @file
/// The workers of one process executor and their calls: the parent's half of the call plane.
#pragma once

#include "base/process_owner.hpp"
#include "process/parent/call_protocol.hpp"
#include "process/parent/home_inbox.hpp"
#include "process/parent/silent_workers.hpp"
#include "process/parent/stack_symbolizer.hpp"
#include "process/parent/time_limits.hpp"
#include "process/parent/unread_events.hpp"
#include "process/parent/worker_lifecycle.hpp"
#include "process/parent/worker_starter.hpp"

#include <cadre/executor_backend.hpp>
#include <cadre/executors/process_options.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace cadre::detail::process_parent {

/// The façade: takes the locks, lets the parts do the work, and completes calls. Thread-safe.
///
/// | lock | guards |
/// | --- | --- |
/// | `drain_mutex_` | the readers of the event rings, nested calls that were received, `drained_` |
/// | `calls_mutex_` | calls and queues (placement), deadlines, the stage of each worker, quitting |
/// | both | the set of workers and the owner of each nested call: changed under both, read under either |
///
/// `drain_mutex_` is taken first. The application's loop only tries it, so it never waits for the supervisor, and only
/// if there may be events to read. No part
/// takes a lock. Calls complete, and nested calls start, without `calls_mutex_` and without the lock of a stop tree;
/// they may complete with `drain_mutex_` held. A call that `request_stop` ends is completed by the supervisor.
class pool {
public:
    pool(const process_options& options, std::string name, pool_role role, work_registry& registry);
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;
    ~pool();

    [[nodiscard]] const std::string& name() const noexcept { return starter_.executor_name(); }
    [[nodiscard]] std::uint32_t workers() const noexcept { return starter_.workers(); }
    [[nodiscard]] const executor_identity& portable_id() const noexcept { return starter_.portable_id(); }
    [[nodiscard]] int default_retries() const noexcept { return starter_.options().retries; }
    [[nodiscard]] std::chrono::nanoseconds task_timeout() const noexcept { return starter_.options().task_timeout; }
    [[nodiscard]] memory_domain& domain() noexcept { return starter_.domain(); }
    [[nodiscard]] work_registry& registry() noexcept { return registry_; }
    [[nodiscard]] executor_stats stats() const;
    [[nodiscard]] pool_load load() const noexcept;

    /// Whether this process made the pool. In a fork of it calls fail, and nothing else happens: the workers are its
    /// parent's.
    [[nodiscard]] bool here() const noexcept { return owner_.here(); }

    /// Starts the workers. Throws config_error if that is not possible here, std::system_error.
    void start();

    /// `nested`: a task in a worker waits for them.
    void submit(std::span<portable_call* const> calls, bool nested = false) noexcept;
    void request_stop(portable_call& call, stop_reason why) noexcept;
    void request_stop_all(stop_reason why) noexcept;
    /// As `chunk_progress_source::progress_of`.
    [[nodiscard]] bool progress_of(const portable_call& call, std::size_t known_results, std::size_t known_errors,
                                   chunk_progress_report& report);
    void reply_to_nested_call(nested_call& call, call_reply reply) noexcept;
    /// As `home_downstream::answer`.
    void answer_from_home(std::uint64_t worker, std::uint64_t ticket, std::span<const std::byte> body) noexcept;

    /// As `home_downstream::abandon`.
    void abandon(std::uint64_t worker) noexcept;

    /// The trees of the tasks of all workers; those that do not answer within `limit` are named.
    [[nodiscard]] std::string dump_tasks(std::chrono::nanoseconds limit);

    // For the application's loop.

    /// One round: handles events of each worker, completes calls and places waiting ones.
    /// @return whether there was an event, or another thread holds `drain_mutex_`
    bool poll() noexcept;
    /// Whether a result is likely to arrive while the loop spins.
    [[nodiscard]] bool expects_soon() noexcept;
    /// Publishes the state of the application's loop. Full fence.
    void set_loop_state(process_plane::loop_state state) noexcept { status_.set_loop_state(state); }
    /// Publishes that the loop is about to run tasks, and handles what was sent without a ring until then.
    void set_loop_busy() noexcept;

    /// No new workers; those that live finish their calls and leave, then `quit_done` is called.
    void quit(std::function<void()> quit_done) noexcept;

    // For the supervisor's thread alone.

    [[nodiscard]] int supervisor_bell() const noexcept { return deadlines_.bell(); }
    struct watched {
        std::uint64_t serial;  ///< unique
        int pidfd;
        int output;  ///< -1: none
    };
    [[nodiscard]] std::vector<watched> watched_workers();
    /// Handles the end of a worker whose pidfd is readable.
    void worker_ended(std::uint64_t serial) noexcept;
    output_reader::result read_output(std::uint64_t serial) noexcept;
    /// Handles events, passed deadlines, messages that wait for room, and calls queued behind a long one.
    /// @return when to tick again
    [[nodiscard]] time_point tick() noexcept;
    /// When `replace` is due; time_point::max(): no worker is missing.
    [[nodiscard]] time_point next_start() const noexcept;
    /// Starts the workers that are missing.
    void replace() noexcept;
    /// Whether `quit` is done. Calls the callbacks of `quit` when it is.
    [[nodiscard]] bool finished() noexcept;

private:
    bool drain(unsigned max_rounds) noexcept;  // needs `drain_mutex_`
    void drain_all() noexcept;
    void trace_workers() noexcept;  // needs `drain_mutex_`
    void read_outputs() noexcept;  // needs `drain_mutex_`, without `calls_mutex_`
    void start_missing(std::uint32_t index) noexcept;
    [[nodiscard]] worker_connection* find_worker(std::uint64_t serial) noexcept;
    [[nodiscard]] std::unique_ptr<worker_connection> start_worker(std::uint32_t index);
    [[nodiscard]] std::string output_prefix(const worker_connection& c) const;

    const process_owner owner_{};
    work_registry& registry_;
    status_publisher status_;
    deadline_queue deadlines_;
    worker_starter starter_;

    // Locked before calls_mutex_. Calls complete under it, which posts and destroys, but neither polls nor destroys the
    // pool.
    std::mutex drain_mutex_;
    ended_calls drained_;
    mutable std::mutex calls_mutex_;
    worker_set workers_;
    unread_events unread_;
    mutable placement placement_;
    stop_requests stops_;
    nested_calls nested_;
    home_inbox home_;
    task_dumps dumps_;
    call_protocol protocol_;
    time_limits limits_;
    silent_workers silent_;
    worker_lifecycle lifecycle_;
    stack_symbolizer symbolizer_;  // last: completes calls when it is destroyed
};

}  // namespace cadre::detail::process_parent
