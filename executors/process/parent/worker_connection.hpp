/// @file
/// One worker process as the parent sees it: its link, its process, its stage of life, and its calls.
#pragma once

#include "process/os/worker_launcher.hpp"
#include "process/parent/call_record.hpp"
#include "process/parent/output_reader.hpp"
#include "process/parent/worker_link.hpp"
#include "shm/identity.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <unordered_map>

namespace cadre::detail::process_parent {

class nested_call;

/// The life of a worker. Calls are placed on `starting` and `ready` workers.
///
/// | from | to | when |
/// | --- | --- | --- |
/// | starting | ready | its `ready` event arrives |
/// | ready | retiring | `max_tasks_per_worker` calls were published to it |
/// | ready | retiring | it has met its memory limit, or is above the soft one |
/// | retiring | leaving | its last call has ended; quit was sent |
/// | starting, ready | leaving | the executor quits and it has no calls; quit was sent |
/// | any | dying | it breaks the protocol, must be killed, or has ended |
/// | dying | the stage before | the call that it was to be killed for had ended after all |
enum class worker_stage : std::uint8_t {
    starting,  ///< its initializer has not run yet; calls wait in its ring
    ready,
    retiring,  ///< leaves when its last call has ended; takes only nested calls that others may depend on
    leaving,   ///< quit was sent
    dying,     ///< is being killed, or has ended
};

/// The members that change need the pool's `calls_mutex_`.
class worker_connection {
public:
    /// @param on the host that errors name; empty: none
    worker_connection(std::uint32_t worker_index, std::uint64_t area_size, const std::string& on);
    worker_connection(const worker_connection&) = delete;
    worker_connection& operator=(const worker_connection&) = delete;

    [[nodiscard]] bool accepts() const noexcept {
        return (stage == worker_stage::starting || stage == worker_stage::ready) && !share_used();
    }
    /// Whether it has had its share of tasks.
    [[nodiscard]] bool share_used() const noexcept { return share != 0 && published >= share; }
    void retire_if_share_used() noexcept {
        if (stage == worker_stage::ready && share_used()) stage = worker_stage::retiring;
    }
    /// What placement compares: after how many nanoseconds, about, the worker would begin another call.
    [[nodiscard]] std::uint64_t load() const noexcept;
    /// Marks it as dying and kills its process group.
    void kill() noexcept;

    /// `worker 2 (pid 4711)` or `worker 2 (pid 4711) on node7`
    [[nodiscard]] std::string title() const;

    const std::uint32_t index;
    const std::string host;
    const std::uint64_t serial;  // unique among the workers of this process
    worker_link link;
    shm::process_id id{};  // among the processes that share the state plane
    process_os::worker_launcher* launcher = nullptr;  // of `os`
    process_os::launched_worker os{};
    std::optional<output_reader> output{};  // the supervisor thread's alone

    worker_stage stage = worker_stage::starting;
    time_point leave_by = time_point::max();  // when it is killed, once it is to leave
    bool was_ready = false;
    bool killed = false;               // because a call had not ended in time
    std::string violation{};           // how it broke the protocol; empty: it did not
    std::exception_ptr start_error{};  // the exception of its initializer
    bool memory_reported = false;      // that it met its memory limit

    call_list calls{};
    std::uint64_t expected_time = 0;  // of these calls together, in nanoseconds
    call_record* raw_chunk = nullptr;  // that it began last, if that is in work
    process_plane::watch_set watches{};  // of its timed chunks
    std::uint64_t published = 0;  // calls
    time_point silent_since = time_point::max();  // has no task and does not take the calls sent to it
    std::uint64_t silent_at = 0;  // requests that it had passed then
    std::uint64_t share = 0;      // calls until it retires; 0: never
    std::unordered_map<std::uint64_t, nested_call*> nested{};  // by the worker's ticket
    std::size_t nested_bytes = 0;  // that the parent holds for them
    std::size_t nested_descriptors = 0;  // likewise

    // Of a trace; need `drain_mutex_`.
    const std::int64_t traced_from = std::chrono::steady_clock::now().time_since_epoch().count();
    std::uint64_t trace_consumed = 0;
    std::uint64_t trace_lost = 0;
};

}  // namespace cadre::detail::process_parent
