/// @file
/// The record of one call between its submission and its end.
#pragma once

#include "process/plane/item_watch.hpp"
#include "process/plane/message.hpp"

#include <cadre/detail/base/intrusive_list.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

namespace cadre::detail::process_parent {

using time_point = std::chrono::steady_clock::time_point;

class worker_connection;
struct call_record;

/// Deadlines, earliest first.
using deadline_map = std::multimap<time_point, call_record*>;

/// The running time of a call and its limit.
struct call_limit {
    std::chrono::nanoseconds allowed{0};  // 0: no limit
    bool of_call = false;  // set by the caller: the call fails with timed_out, even if killed; false: task_timeout
    bool passed = false;
    bool begun = false;
    time_point begun_at{};  // valid if begun; of a chunk: its current item
    std::uint32_t item = 0;  // number of the current item of a chunk
    bool item_begun = false;  // whether `item` had begun when `begun_at` was noted
    time_point kill_at{};   // not the epoch: asked to stop because of a limit or deadline, killed at this time
    deadline_map::iterator deadline{};
    bool has_deadline = false;
};

/// What a chunk has achieved so far.
struct chunk_state {
    byte_buffer results{};  // of the items done
    std::vector<unique_fd> descriptors{};  // in `results`
    std::uint32_t items_done = 0;
    process_plane::block progress{};  // where the worker commits further items
    byte_buffer errors{};             // raw chunk: (index, size, bytes) of each item that has failed
    std::uint64_t range_before = 0;   // raw chunk: the claimed range at the last check
};

/// All members are guarded by the pool's `calls_mutex_`.
struct call_record {
    portable_call* call = nullptr;  // null: the record is free
    std::uint32_t index = 0;        // in the call_table
    std::uint32_t generation = 0;   // of the index: an old ticket finds nothing
    std::uint16_t entry = 0;        // number of the function
    std::uint64_t id = 0;
    std::uint32_t items = 1;  // without the items that were taken back
    bool chunk_of_items = false;  // also if all but one were taken back
    bool items_returned = false;  // whether its worker has returned items, which it does once
    bool nested = false;  // a task in a worker waits for it

    worker_connection* worker = nullptr;  // null: waits in the parent
    std::uint64_t position = 0;           // in the worker's request ring
    std::uint32_t expected_time = 0;      // for which it will occupy the worker's loop, in nanoseconds
    process_plane::block arguments{};  // read by the worker until the call has ended; empty: they are in the slot
    list_links<call_record> links{};  // in the worker's list or in the queue

    int retries = 0;                       // remaining
    std::uint32_t watch = process_plane::no_watch;  // of a timed chunk, while it has a worker
    bool descriptors_sent = false;  // whether they were sent to its worker; the call may then have begun
    bool wants_fresh = false;  // its last worker ran out of memory: it waits for one that has run nothing
    stop_reason stop = stop_reason::none;  // the strongest that was requested
    call_limit limit{};
    chunk_state chunk{};
};

using call_list = intrusive_list<call_record, &call_record::links, true>;

}  // namespace cadre::detail::process_parent
