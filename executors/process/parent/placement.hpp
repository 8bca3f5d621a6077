/// @file
/// Placement: which call goes to which worker, and when.
#pragma once

#include "process/parent/call_queue.hpp"
#include "process/parent/call_table.hpp"
#include "process/parent/deadline_queue.hpp"
#include "process/parent/death.hpp"
#include "process/parent/ended_call.hpp"
#include "process/parent/function_list.hpp"
#include "process/parent/service_time_estimator.hpp"
#include "process/parent/status_publisher.hpp"
#include "process/parent/worker_set.hpp"

#include <cadre/executors/process_options.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cadre::detail::process_parent {

/// Owns the records of all unfinished calls. A call waits in the queue, lies in the request ring of a worker, or was
/// claimed by it. Takes no lock: everything but `any_placed` needs the pool's `calls_mutex_`. Calls that end are
/// appended to `ended`, which the pool completes when it has released that mutex.
class placement {
public:
    placement(const process_options& options, const std::string& executor_name, worker_set& workers,
              status_publisher& status, deadline_queue& deadlines) noexcept;
    placement(const placement&) = delete;
    placement& operator=(const placement&) = delete;

    /// Queues a call, or ends it with an error. `nested`: a task in a worker waits for it.
    void enqueue(portable_call& call, bool nested, ended_calls& ended);
    /// Publishes as many queued calls as the workers have credit for and rings these workers.
    void place_queued_calls(ended_calls& ended) noexcept;
    /// Calls submitted from now on fail with `reason`.
    void close(std::exception_ptr reason) noexcept { closed_with_ = std::move(reason); }
    [[nodiscard]] bool closed() const noexcept { return closed_with_ != nullptr; }
    void fail_queued_calls(const std::exception_ptr& error, ended_calls& ended) noexcept;

    /// Null if no unfinished call has this ticket.
    [[nodiscard]] call_record* find(std::uint64_t ticket) noexcept { return table_.find(ticket); }
    template <class F>
    void for_each_call(F f) {
        for (std::size_t i = 0; i < table_.size(); ++i)
            if (call_record& r = table_.at(i); r.call != nullptr) f(r);
    }
    void end(call_record& r, call_reply reply, ended_calls& ended) noexcept;
    void fail(call_record& r, std::exception_ptr error, ended_calls& ended) noexcept;
    /// Ends the call with `error` if no worker has claimed it. @return whether it did
    [[nodiscard]] bool fail_unclaimed(call_record& r, std::exception_ptr error, ended_calls& ended) noexcept;
    [[nodiscard]] task_label label(const call_record& r) const;
    [[nodiscard]] const std::string& executor_name() const noexcept { return name_; }

    /// Returns a call from its worker to the head of the queue.
    void requeue(call_record& r) noexcept;
    /// The same if the call has a retry left and no stop of it was requested. @return whether that is so
    [[nodiscard]] bool retry(call_record& r) noexcept;
    /// The same for all calls that `c` has not claimed.
    void requeue_unclaimed(worker_connection& c) noexcept;

    /// Whether a worker is idle, or all its tasks wait, while calls wait in the ring of another one.
    [[nodiscard]] bool rebalance_wanted() noexcept;
    /// Whether, since the previous call of this function, a call was placed behind others while a worker was idle.
    [[nodiscard]] bool take_placed_behind() noexcept { return std::exchange(placed_behind_, false); }
    /// Then requeues half of the calls, and takes back the items of the chunk, behind each task that has kept its
    /// worker busy since the previous call.
    void rebalance(ended_calls& ended) noexcept;
    /// The words of a raw chunk in work, which the worker may have overwritten.
    [[nodiscard]] static raw_chunk_words& raw_words(const worker_connection& c, const call_record& r) noexcept;

    /// Whether a call waits in the queue.
    [[nodiscard]] bool any_queued() const noexcept { return !waiting_.empty(); }
    /// Calls that no worker has begun.
    [[nodiscard]] std::size_t queued() noexcept;
    [[nodiscard]] std::uint64_t failed() const noexcept { return failed_; }
    [[nodiscard]] std::uint64_t retried() const noexcept { return retried_; }

    /// A measured service time; 0: not measured.
    void sample(std::uint32_t nanoseconds) noexcept { service_times_.sample(nanoseconds); }
    /// The same of the call `r`.
    void sample(const call_record& r, std::uint32_t nanoseconds) noexcept {
        sample(nanoseconds);
        if (!r.chunk_of_items) functions_.note_time(r.entry, nanoseconds);
    }
    /// Whether any call is placed on a worker. Thread-safe.
    [[nodiscard]] bool any_placed() const noexcept { return placed_.load(std::memory_order_relaxed) != 0; }

private:
    [[nodiscard]] std::optional<std::uint16_t> number(portable_call& call, bool nested, ended_calls& ended);
    void place_within_credit(ended_calls& ended) noexcept;
    [[nodiscard]] worker_connection* pick(const call_record& r) noexcept;
    [[nodiscard]] worker_connection* pick_retiring() noexcept;
    /// A worker that has only calls that wait, and no others in its ring; null if there is none.
    [[nodiscard]] worker_connection* find_waiting() noexcept;
    static void expect_long(call_record& r) noexcept;
    /// Sends queued calls to `c`, as many as it takes.
    void place_all(worker_connection& c) noexcept;
    [[nodiscard]] bool publish(call_record& r, worker_connection& c) noexcept;
    void expect_rebalance() noexcept;
    void unplace(call_record& r) noexcept;
    [[nodiscard]] static std::uint32_t unclaimed(const worker_connection& c) noexcept;
    static void take_back_from(worker_connection& c, ended_calls& ended) noexcept;

    const process_options& options_;
    const std::string& name_;  // of the executor
    worker_set& workers_;
    status_publisher& status_;
    deadline_queue& deadlines_;

    call_table table_;
    call_queue waiting_;
    function_list functions_;
    service_time_estimator service_times_;
    std::vector<std::span<const std::byte>> parts_;  // of the message in work
    std::exception_ptr closed_with_{};
    std::uint64_t failed_ = 0;  // calls that ended with an error
    std::uint64_t retried_ = 0;
    std::size_t busy_ = 0;  // workers that have calls
    bool placed_behind_ = false;
    std::atomic<std::size_t> placed_{0};  // calls on workers; changed under `calls_mutex_`
};

}  // namespace cadre::detail::process_parent
