// Decides how the calls of a dead worker end. The objects that it held in shared memory are recovered in
// framework/src/shm: its locks by lock_core.hpp, permits by semaphore_core.hpp, messages by channel_recovery.hpp.

#include "process/parent/death_recovery.hpp"

#include "process/parent/limit_errors.hpp"
#include "process/parent/raw_results.hpp"
#include "process/plane/chunk_progress.hpp"

#include <algorithm>
#include <utility>

namespace cadre::detail::process_parent {

namespace {

// The committed items of a chunk are done, although no event has carried their results yet.
void take_committed(const worker_connection& c, chunk_state& chunk, std::uint32_t items_of_call) {
    using process_plane::chunk_progress;
    if (chunk.progress.size == 0) return;
    const auto& progress = *reinterpret_cast<const chunk_progress*>(c.link.memory().base() + chunk.progress.offset);
    const std::uint64_t word = progress.word.load(std::memory_order_acquire);
    const std::uint32_t items = chunk_progress::items(word);
    const std::uint32_t bytes = chunk_progress::bytes(word);
    if (items <= chunk.items_done || items > items_of_call || bytes > chunk_progress::room) return;
    chunk.results.append(std::span(progress.data(), bytes));
    chunk.items_done = items;
}

bool has_call(const worker_connection& c, std::uint64_t id) noexcept {
    for (const call_record& r : c.calls)
        if (r.id == id) return true;
    return false;
}

// Why the nested calls of a dead worker are asked to stop. One that was killed for a deadline may have had no time to
// pass it on: its nested calls then have the same deadline.
stop_reason reason_for_nested(const worker_connection& c) noexcept {
    stop_reason why = stop_reason::requested;
    for (const call_record& r : c.calls)
        if (c.killed && r.limit.kill_at != time_point{}) why = std::max(why, r.stop);
    return why;
}

}  // namespace

std::shared_ptr<const death_notice> death_recovery::recover(worker_connection& c, const process_os::worker_exit& exit,
                                                            ended_calls& ended, crashed_calls& crashed) {
    const auto death = std::make_shared<death_notice>(
        describe_death(c.title(), exit, process_os::read_crash_page(c.link.memory().crash())));
    death->violation = c.violation;
    if (c.output && output_ == worker_output::capture) death->output = c.output->captured();
    c.stage = worker_stage::dying;
    placement_.requeue_unclaimed(c);
    requeue_unbegun(c);

    const stop_reason why = reason_for_nested(c);
    const std::uint64_t running = c.link.running();
    // If a task of unknown id ran, a child of one of the calls, then any of them may have caused the death.
    const bool attributed = has_call(c, running);
    const bool only = c.calls.front() != nullptr && c.calls.front() == c.calls.back();
    for (call_record* r = c.calls.back(); r != nullptr;) {
        call_record* const before = call_list::prev(*r);
        settle(c, *r, running != 0 && (r->id == running || !attributed), only, death, ended, crashed);
        r = before;
    }
    nested_.abandon(c, why, ended);
    return death;
}

// A call that waited for its file descriptors has not begun.
void death_recovery::requeue_unbegun(worker_connection& c) noexcept {
    for (call_record* r = c.calls.back(); r != nullptr;) {
        call_record* const before = call_list::prev(*r);
        if (!r->call->descriptors.empty() && !r->descriptors_sent && r->stop == stop_reason::none)
            placement_.requeue(*r);
        r = before;
    }
}

// The first line that holds:
//
//     the call                                                          ends with
//     was not killed for itself, and has retries left                   (it is queued again)
//     was killed for an item that has ended just before                 `unfinished`: the other items are sent again
//     was killed for the time limit that its caller has set             `timed_out`
//     was killed for another reason                                     `task_killed`
//     was suspended beside others, or the worker was killed for         `worker_lost`, unless the worker violated the
//       another call; never with `tasks_per_worker = 1`                   protocol
//     ran in a worker that had no memory left                           `task_killed`
//     ran in a worker that left no stack                                `worker_crashed`
//     ran in a worker that left a stack                                 `worker_crashed`, when the stack is resolved
void death_recovery::settle(const worker_connection& c, call_record& r, bool ran, bool only,
                            const std::shared_ptr<const death_notice>& death, ended_calls& ended,
                            crashed_calls& crashed) {
    // Applies to every call with a kill deadline, not only to the one whose deadline expired.
    const bool killed = c.killed && r.limit.kill_at != time_point{};
    if (!killed && placement_.retry(r)) return;
    if (r.call->raw.enabled)
        take_committed_raw(c, r);
    else
        take_committed(c, r.chunk, r.items);
    task_label task = placement_.label(r);
    task.suspended = !ran;
    // The item whose limit has passed ended just before the kill. Its watch let no other item begin: the rest is sent
    // again.
    if (killed && r.chunk_of_items && r.limit.passed && r.chunk.items_done > r.limit.item)
        return end_unfinished(c, r, task, ended);
    if (killed && r.limit.passed && r.limit.of_call && r.stop != stop_reason::kill) {
        placement_.fail(r, timed_out_error(c, r, task, last_output(*death)), ended);
    } else if (killed) {
        placement_.fail(r, killed_error(*death, task, reason_of_kill(r)), ended);
    } else if (another_task_is_to_blame(c, ran, only) && death->violation.empty()) {
        placement_.fail(r, lost_error(*death, task, ran), ended);
    } else if (death->report.frames.empty() || death->out_of_memory) {
        placement_.fail(r, crash_error(*death, task, {}), ended);
    } else {
        ended_calls unresolved;
        placement_.fail(r, nullptr, unresolved);
        crashed.push_back({unresolved.front().call, std::move(unresolved.front().reply), task, death});
    }
}

// With `tasks_per_worker = 1` no call fails with worker_lost. A worker then has two calls only if one of them waits for
// a nested call, which may be the other one.
bool death_recovery::another_task_is_to_blame(const worker_connection& c, bool ran, bool only) const noexcept {
    return !isolated_ && (c.killed || (!ran && !only));
}

void death_recovery::end_unfinished(const worker_connection& c, call_record& r, const task_label& task,
                                    ended_calls& ended) {
    call_reply reply;
    reply.kind = reply_kind::unfinished;
    reply.where = c.title() + ", " + task.text;
    reply.last_item = stopped_by_limit(c, r, task);
    reply.items_done = r.chunk.items_done;
    reply.partial = std::move(r.chunk.results);
    reply.descriptors = std::move(r.chunk.descriptors);
    reply.item_errors = std::move(r.chunk.errors);
    placement_.end(r, std::move(reply), ended);
}

kill_reason death_recovery::reason_of_kill(const call_record& r) const noexcept {
    if (r.stop == stop_reason::kill) return kill_reason::requested;
    const bool shutdown = !r.limit.passed && (workers_.quitting() || registry_.closed());
    return shutdown ? kill_reason::shutdown : kill_reason::time_limit;
}

}  // namespace cadre::detail::process_parent
