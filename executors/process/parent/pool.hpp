/// @file
/// The workers of one process executor and the calls that they have: the parent's half of the call plane.
#pragma once

#include "process/parent/assignment.hpp"
#include "process/parent/death.hpp"
#include "process/parent/function_list.hpp"
#include "process/parent/stack_symbolizer.hpp"
#include "process/parent/worker_connection.hpp"
#include "process/plane/supervisor_status_page.hpp"
#include "shm/state_plane.hpp"

#include <cadre/executor_backend.hpp>
#include <cadre/executors/process_options.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace cadre::detail::process_parent {

/// One call that has ended and is to be told so, which happens without a lock held.
struct ended_call {
    portable_call* call;
    call_reply reply;
};

/// Thread-safe. Two locks: `drain_` for whoever takes events out of the workers' rings and changes the set of workers,
/// and `mutex_` for calls and queues; `drain_` first. The application's loop only tries `drain_`, so it never waits for
/// the supervisor. Calls complete with neither `mutex_` nor a stop tree's lock held: those that `request_stop` takes
/// back are told by the supervisor.
class pool {
public:
    pool(const process_options& options, std::string name, work_registry& registry);
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;
    ~pool();

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::uint32_t workers() const noexcept { return workers_; }
    [[nodiscard]] std::uint64_t portable_id() const noexcept { return portable_id_; }
    [[nodiscard]] memory_domain& domain() noexcept { return *domain_; }
    [[nodiscard]] work_registry& registry() noexcept { return registry_; }
    [[nodiscard]] executor_stats stats() const;

    /// Starts the workers. Throws config_error if that is not possible here, std::system_error.
    void start();

    /// `nested`: a task in a worker waits for them.
    void submit(std::span<portable_call* const> calls, bool nested = false) noexcept;
    void request_stop(portable_call& call, stop_reason why) noexcept;
    void request_stop_all(stop_reason why) noexcept;

    /// Takes what the workers have sent, completes calls and hands out waiting ones. `wait`: as much as the rings held when
    /// it began, also if another thread is at it; else one round, and nothing if another thread is at it.
    /// @return whether there was anything, or another thread is looking after it
    bool drain(bool wait) noexcept;
    /// Whether spinning for an answer is worth it now.
    [[nodiscard]] bool expects_soon() noexcept;
    /// How the application's loop fares; full fence.
    void loop_is(process_plane::loop_state state) noexcept;
    /// It is going to run tasks: nothing that was sent while it looked, or while it slept, waits until it looks again.
    void loop_is_busy() noexcept;

    /// No new workers; those that are there finish what they have and leave, `quit_done` follows. Any thread.
    void quit(std::function<void()> quit_done) noexcept;

    // The rest is for the supervisor's thread alone.

    [[nodiscard]] int supervisor_bell() const noexcept { return bell_.get(); }
    void wake_supervisor() noexcept;
    struct watched {
        std::uint64_t serial;  ///< never used twice
        int pidfd;
        int output;  ///< -1: none
    };
    [[nodiscard]] std::vector<watched> watched_workers();
    /// Handles the worker whose pidfd became readable.
    void worker_ended(std::uint64_t serial) noexcept;
    /// @return false at the end of its output
    bool read_output(std::uint64_t serial) noexcept;
    /// Deadlines that have passed, waiting messages, calls queued behind a long one. @return when to come again
    [[nodiscard]] time_point tick() noexcept;
    /// Starts workers where one is missing. @return false if that failed and is worth another try
    bool replace() noexcept;
    /// Whether `quit` is done; tells those who wait for it.
    [[nodiscard]] bool finished() noexcept;

private:
    friend class nested_call;
    using ended_calls = std::vector<ended_call>;

    // pool.cpp: submission and placement; under mutex_
    void enqueue(portable_call& call, bool nested, ended_calls& ended);
    void place_queued_calls(ended_calls& ended) noexcept;
    void place_where_credit_is(ended_calls& ended) noexcept;
    [[nodiscard]] bool anyone_idle() const noexcept;
    [[nodiscard]] worker_connection* pick() noexcept;
    [[nodiscard]] worker_connection* pick_retiring() noexcept;
    [[nodiscard]] bool publish(call_record& r, worker_connection& c) noexcept;
    void ring_all() noexcept;
    void update_spare() noexcept;
    void end(call_record& r, call_reply reply, ended_calls& ended) noexcept;
    void fail(call_record& r, std::exception_ptr error, ended_calls& ended) noexcept;
    [[nodiscard]] task_label label(const call_record& r) const;
    static void tell(ended_calls& ended) noexcept;

    // pool_events.cpp: what workers send; under drain_ and mutex_
    [[nodiscard]] bool handle_events(worker_connection& c, unsigned most, ended_calls& ended) noexcept;
    // These give what the worker did wrong; empty: nothing.
    [[nodiscard]] std::string handle(worker_connection& c, const process_plane::event& e, ended_calls& ended);
    [[nodiscard]] std::string about_call(worker_connection& c, call_record& r, const process_plane::event& e,
                                         std::span<const std::byte> body, ended_calls& ended);
    [[nodiscard]] std::string nested_submission(worker_connection& c, const process_plane::event& e,
                                                std::span<const std::byte> body);
    void broke_protocol(worker_connection& c, std::string what) noexcept;
    void after_events(worker_connection& c) noexcept;
    [[nodiscard]] bool events_ready() const noexcept;
    void start_nested() noexcept;  // under drain_ alone
    void nested_ended(nested_call& call, call_reply reply) noexcept;

    // pool_limits.cpp: stops, deadlines, kills; under mutex_
    void ask_to_stop(call_record& r, stop_reason why, ended_calls& ended) noexcept;
    void arm(call_record& r, time_point when) noexcept;
    void disarm(call_record& r) noexcept;
    void expire(time_point now, ended_calls& ended) noexcept;
    void check_limit(call_record& r, time_point now, ended_calls& ended) noexcept;
    void kill_for(call_record& r, ended_calls& ended) noexcept;
    void take_back_queued(worker_connection& c) noexcept;
    void take_back(call_record& r) noexcept;
    void leave_if_done(worker_connection& c) noexcept;
    void look_soon() noexcept;
    [[nodiscard]] bool rebalance_wanted() noexcept;
    void rebalance() noexcept;

    // pool_workers.cpp: starts, deaths, leaving
    [[nodiscard]] std::unique_ptr<worker_connection> launch(std::uint32_t index);
    [[nodiscard]] worker_connection* find_worker(std::uint64_t serial) noexcept;
    [[nodiscard]] std::string prefix_of(const worker_connection& c) const;
    [[nodiscard]] bool given_up() noexcept;
    void bury(worker_connection& c, const process_os::worker_exit& how, ended_calls& ended,
              std::vector<undertaker::burial>& burials);
    static void take_committed(const worker_connection& c, call_record& r);
    void give_up(std::exception_ptr why, ended_calls& ended) noexcept;
    void say_quit(worker_connection& c) noexcept;

    const std::string name_;
    const std::uint32_t workers_;
    const process_options options_;
    const std::uint64_t portable_id_;
    work_registry& registry_;
    shm::state_plane& plane_;
    memory_domain* domain_;
    process_plane::function_slot initializer_{};
    process_plane::supervisor_status_page page_;
    process_os::unique_fd bell_;
    process_os::worker_launcher launcher_;
    undertaker undertaker_;
    unsigned cores_;

    std::mutex drain_;
    std::vector<std::unique_ptr<worker_connection>> channels_;  // by index; null: none now. Changed under both locks
    ended_calls drained_;  // under drain_
    std::vector<nested_call*> nested_started_;  // under drain_

    mutable std::mutex mutex_;
    call_table table_;
    call_queue waiting_;
    deadline_map deadlines_;
    function_list functions_;
    service_time_estimator times_;
    ended_calls taken_back_;  // by request_stop; told at the supervisor's next tick
    time_point supervisor_wakes_ = time_point::max();  // when it looks at deadlines next
    std::size_t busy_ = 0;  // workers that have calls
    unsigned failed_starts_ = 0;  // in a row
    std::exception_ptr ended_with_{};  // the executor is beyond repair
    std::exception_ptr start_error_{};
    std::uint64_t restarts_ = 0;
    bool quitting_ = false;
    bool finished_ = false;
    time_point quit_kill_at_ = time_point::max();
    std::vector<std::function<void()>> on_quit_;

    std::atomic<std::uint64_t> loop_word_{0};
    std::atomic<std::size_t> unfinished_{0};  // calls published and not ended
};

}  // namespace cadre::detail::process_parent
