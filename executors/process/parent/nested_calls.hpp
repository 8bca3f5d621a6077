/// @file
/// The calls that tasks in workers make on their own executor.
#pragma once

#include "process/parent/protocol_violation.hpp"
#include "process/parent/stop_requests.hpp"

#include <span>
#include <vector>

namespace cadre::detail::process_parent {

class nested_call;
class pool;

/// Takes no lock: each member names the lock that it needs.
class nested_calls {
public:
    nested_calls(pool& owner, stop_requests& stops, deadline_queue& deadlines) noexcept
        : pool_(owner), stops_(stops), deadlines_(deadlines) {}

    /// A `nested_call` event. Needs both locks.
    [[nodiscard]] protocol_violation handle_call(worker_connection& c, const process_plane::event& e,
                                                 std::span<const std::byte> body);
    /// A `nested_stop` event. Needs both locks.
    void handle_stop(worker_connection& c, const process_plane::event& e, ended_calls& ended) noexcept;
    /// Submits the calls that `handle_call` has received. Needs `drain_mutex_`, without `calls_mutex_`.
    void start_received() noexcept;

    /// Sends the reply to the worker that waits for it, if that lives. `body`: as `encode_body` returns it. Needs
    /// `calls_mutex_`.
    void reply(nested_call& call, const call_reply& reply, const byte_buffer& body) noexcept;
    /// The body of the reply; an error of any kind travels as an encoded exception. Needs no lock.
    [[nodiscard]] static byte_buffer encode_body(call_reply& reply);

    /// The worker has ended: requests a stop of its calls, for the reason `why`; their replies are dropped. Needs both
    /// locks.
    void abandon(worker_connection& c, stop_reason why, ended_calls& ended) noexcept;
    /// The same without a stop request.
    void disown(worker_connection& c) noexcept;

private:
    pool& pool_;
    stop_requests& stops_;
    deadline_queue& deadlines_;
    std::vector<nested_call*> received_;  // guarded by `drain_mutex_`
};

}  // namespace cadre::detail::process_parent
