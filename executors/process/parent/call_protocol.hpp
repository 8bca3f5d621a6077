/// @file
/// The parent's half of the call protocol: checks and handles the events that workers send.
#pragma once

#include "process/parent/home_inbox.hpp"
#include "process/parent/nested_calls.hpp"
#include "process/parent/placement.hpp"
#include "process/parent/protocol_violation.hpp"
#include "process/parent/task_dumps.hpp"

#include <span>
#include <string>

namespace cadre::detail::process_parent {

/// Every event is a private copy, and nothing in it is used before it was checked. Takes no lock: everything needs both
/// of the pool's locks.
class call_protocol {
public:
    call_protocol(worker_set& workers, placement& calls, nested_calls& nested, home_inbox& home,
                  task_dumps& dumps) noexcept
        : workers_(workers), placement_(calls), nested_(nested), home_(home), dumps_(dumps) {}

    /// Handles up to `max_events` events of `c`. A worker that breaks the protocol is killed.
    /// @return whether there was an event
    [[nodiscard]] bool handle_events(worker_connection& c, unsigned max_events, ended_calls& ended) noexcept;
    /// Handles up to `max_events` events of each worker, sends what waited for room, and dismisses workers that are
    /// done.
    void handle_all_events(unsigned max_events, ended_calls& ended) noexcept;
    /// Kills a worker that breaks the protocol; the calls that it has not claimed go to others.
    /// @param violation what it did: follows its name
    void end_worker(worker_connection& c, std::string violation) noexcept;

private:
    [[nodiscard]] protocol_violation handle(worker_connection& c, const process_plane::event& e, ended_calls& ended);
    [[nodiscard]] protocol_violation read_start_error(worker_connection& c, std::span<const std::byte> body);
    [[nodiscard]] protocol_violation send_descriptors(worker_connection& c, call_record& r);
    [[nodiscard]] protocol_violation end_call(worker_connection& c, call_record& r, const process_plane::event& e,
                                              std::span<const std::byte> body, ended_calls& ended);
    /// Completes a reply that is no value: where it comes from, what was done before, and what a limit makes of it.
    /// @return false: instead of it the call is retried
    [[nodiscard]] bool complete_failure(worker_connection& c, call_record& r, const process_plane::event& e,
                                        call_reply& reply);
    void retire(worker_connection& c) noexcept;
    [[nodiscard]] bool retry_in_fresh_worker(worker_connection& c, call_record& r) noexcept;

    worker_set& workers_;
    placement& placement_;
    nested_calls& nested_;
    home_inbox& home_;
    task_dumps& dumps_;
};

}  // namespace cadre::detail::process_parent
