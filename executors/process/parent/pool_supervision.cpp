// The functions of a pool that only the supervisor's thread calls, and its construction and destruction.

#include "process/os/bootstrap.hpp"
#include "process/os/syscalls.hpp"
#include "process/parent/pool.hpp"
#include "process/parent/reports.hpp"
#include "process/parent/worker_trace.hpp"

#include <cadre/detail/coroutine/tracing.hpp>

#include <cadre/errors.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include <malloc.h>
#include <sys/resource.h>

namespace cadre::detail::process_parent {

namespace {

// Bytes that the nested calls of a worker held at its end.
constexpr std::size_t trimmed_from = std::size_t{16} << 20;
// A worker that records more than its ring holds in this time loses some of it.
constexpr std::chrono::milliseconds trace_interval{20};

// The start of thousands of workers takes seconds: what cannot fit is refused before.
void check_descriptors(std::uint32_t workers, bool output_piped) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    const std::uint64_t each = output_piped ? 6 : 5;
    if (each * workers > limit.rlim_cur)
        throw std::system_error(EMFILE, std::system_category(),
                                std::to_string(workers) + " workers take " + std::to_string(each * workers) +
                                    " descriptors");
}

}  // namespace

// No other thread uses the pool any more. What is left is ended by force.
pool::~pool() {
    ended_calls ended;
    std::vector<shm::process_id> dead;
    std::vector<std::uint64_t> serials;
    {
        const std::lock_guard draining(drain_mutex_);
        const std::lock_guard hold(calls_mutex_);
        while (!workers_.empty()) {
            worker_connection& c = **workers_.begin();
            c.kill();
            (void)starter_.wait_exit(c);
            placement_.requeue_unclaimed(c);
            while (!c.calls.empty())
                placement_.fail(*c.calls.front(), std::make_exception_ptr(executor_stopped()), ended);
            nested_.disown(c);
            serials.push_back(c.serial);
            dead.push_back(c.id);
            (void)workers_.remove(c);
        }
        lifecycle_.give_up(std::make_exception_ptr(executor_stopped()), ended);
    }
    {
        const std::lock_guard draining(drain_mutex_);
        for (const std::uint64_t serial : serials)
            home_.ended(serial);
    }
    complete_all(ended);
    for (const shm::process_id id : dead)
        starter_.plane().recover(id);
    starter_.plane().shut_down(domain().id());
}

void pool::start() {
    if (process_os::in_worker())
        throw config_error("a worker process cannot have workers of its own; use this_task::executor()");
    check_descriptors(workers(), starter_.output_piped());
    for (std::uint32_t i = 0; i < workers(); ++i) {
        auto c = start_worker(i);
        const std::lock_guard draining(drain_mutex_);
        const std::lock_guard hold(calls_mutex_);
        lifecycle_.worker_started(*c);
        workers_.insert(std::move(c));
        unread_.worker_added();
    }
}

std::unique_ptr<worker_connection> pool::start_worker(std::uint32_t index) {
    return starter_.start(index, [this](const worker_connection& c) { return output_prefix(c); });
}

std::string pool::output_prefix(const worker_connection& c) const {
    const std::uint64_t running = c.link.running();
    std::string text = "[worker " + std::to_string(c.index);
    const std::lock_guard hold(calls_mutex_);
    for (const call_record& r : c.calls)
        if (r.id == running && running != 0)
            text += ' ' + short_name(placement_, r) + '#' + std::to_string(r.id & 0xffffffffff);
    return text + "] ";
}

std::vector<pool::watched> pool::watched_workers() {
    const std::lock_guard draining(drain_mutex_);
    std::vector<watched> all;
    for (const worker_connection* c : workers_)
        all.push_back({c->serial, c->os.pidfd.get(), c->output ? c->output->descriptor() : -1});
    return all;
}

// Only the supervisor removes workers, so the result stays valid on its thread without the lock.
worker_connection* pool::find_worker(std::uint64_t serial) noexcept {
    const std::lock_guard draining(drain_mutex_);
    return workers_.find(serial);
}

output_reader::result pool::read_output(std::uint64_t serial) noexcept {
    worker_connection* const c = find_worker(serial);
    return c != nullptr && c->output ? c->output->read() : output_reader::result::end;
}

time_point pool::tick() noexcept {
    drain_all();  // a call that has ended in the meantime did not exceed its deadline
    ended_calls ended;
    time_point next = time_point::max();
    const std::lock_guard draining(drain_mutex_);
    trace_workers();
    {
        const std::lock_guard hold(calls_mutex_);
        const time_point now = std::chrono::steady_clock::now();
        ended = stops_.take_ended();
        limits_.expire(now, ended);
        bool messages_wait = false;
        for (worker_connection* c : workers_)
            messages_wait |= c->link.flush();
        workers_.kill_overdue(now);
        const time_point next_check = silent_.check(now);
        placement_.rebalance(ended);
        placement_.place_queued_calls(ended);
        // While short calls are placed behind others: each of them would wake this thread.
        if (messages_wait || placement_.take_placed_behind() || placement_.rebalance_wanted())
            next = now + deadline_queue::retry_interval;
        if (workers_.events_ready()) next = now;
        if (tracing()) next = std::min(next, now + trace_interval);
        next = std::min(next, deadlines_.earliest());
        next = std::min({next, workers_.kill_time(), next_check});
        deadlines_.set_next_tick(next);
    }
    home_.pass_on();  // of a worker that was to be killed
    complete_all(ended);
    nested_.start_received();
    return next;
}

void pool::worker_ended(std::uint64_t serial) noexcept {
    worker_connection* const c = find_worker(serial);
    if (c == nullptr) return;
    const process_os::worker_exit exit = starter_.wait_exit(*c);
    if (c->output) c->output->read_rest();

    const shm::process_id id = c->id;
    ended_calls ended;
    death_recovery::crashed_calls crashed;
    std::unique_ptr<worker_connection> removed;
    {
        const std::lock_guard draining(drain_mutex_);
        {
            const std::lock_guard hold(calls_mutex_);
            trace_worker(*c);
            // Events that the worker sent before it ended are valid. There are at most as many as the ring holds.
            (void)protocol_.handle_events(*c, process_plane::event_slots, ended);
            lifecycle_.worker_ended(*c, exit, ended, crashed);
            removed = workers_.remove(*c);
            unread_.worker_removed();
            placement_.place_queued_calls(ended);
        }
        home_.pass_on();
        home_.ended(serial);
        complete_all(ended);
        nested_.start_received();
    }
    // Called without the locks: it rings every process that waits for something that the dead process held.
    starter_.plane().recover(id);
    for (auto& call : crashed)
        symbolizer_.submit(std::move(call));
    // Memory that the calls of the dead worker had used is returned to the system.
    if (removed->nested_bytes >= trimmed_from) ::malloc_trim(0);
}

void pool::replace() noexcept {
    for (std::uint32_t i = 0; i < workers(); ++i)
        start_missing(i);
}

time_point pool::next_start() const noexcept {
    const std::lock_guard hold(calls_mutex_);
    return lifecycle_.next_start();
}

void pool::start_missing(std::uint32_t index) noexcept {
    ended_calls ended;
    const bool wanted = [&] {
        const std::lock_guard draining(drain_mutex_);
        if (workers_.occupied(index)) return false;
        const std::lock_guard hold(calls_mutex_);
        return lifecycle_.may_start(std::chrono::steady_clock::now(), ended);
    }();
    complete_all(ended);
    if (!wanted) return;
    try {
        auto c = start_worker(index);
        const std::lock_guard draining(drain_mutex_);
        {
            const std::lock_guard hold(calls_mutex_);
            lifecycle_.worker_started(*c);
            workers_.insert(std::move(c));
            unread_.worker_added();
            placement_.place_queued_calls(ended);
        }
        complete_all(ended);
    } catch (...) {
        {
            const std::lock_guard hold(calls_mutex_);
            lifecycle_.start_failed(launch_failure(std::current_exception()), false, ended);
        }
        complete_all(ended);
    }
}

bool pool::finished() noexcept {
    std::vector<std::function<void()>> done;
    {
        const std::lock_guard draining(drain_mutex_);
        const std::lock_guard hold(calls_mutex_);
        if (!lifecycle_.finish(done)) return false;
    }
    starter_.plane().shut_down(domain().id());  // notifies all that wait on a channel or lock of this executor
    report_executor_stopped(name());
    for (const auto& f : done)
        f();
    return true;
}

}  // namespace cadre::detail::process_parent
