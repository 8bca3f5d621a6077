/// @file
/// `set_log_handler`: the library's own events, such as the death of a worker, as structs.
///
///     cadre::set_log_handler([](const cadre::log_event& e) { std::clog << e.text() << '\n'; });
///
///     cadre::set_log_handler([](const cadre::log_event& e) {
///         if (const auto* died = std::get_if<cadre::log_events::worker_died>(&e.what)) std::clog << died->stack;
///     });
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>

#include <sys/types.h>

namespace cadre {

enum class executor_kind : std::uint8_t;

namespace log_events {

/// A worker process.
struct worker {
    std::size_t index = 0;  ///< as `this_worker::index()`
    pid_t pid = 0;
};

/// A call or task.
struct task {
    std::uint64_t id = 0;  ///< as `job::id()`
    std::string name{};    ///< its given name, else the function's
};

/// An executor of the program was made. Executors that a worker process makes for itself have no events.
struct executor_started {
    executor_kind kind{};
    std::size_t workers = 0;
};
/// It was shut down, or its last handle is gone.
struct executor_stopped {
    executor_kind kind{};
};

/// The process of a worker exists; its initializer has yet to run.
struct worker_started {
    log_events::worker worker{};
};
/// A worker ended that had not been asked to leave.
struct worker_died {
    log_events::worker worker{};
    bool status_known = false;  ///< whether `signal` and `exit_code` are
    int signal = 0;             ///< 0: it exited
    int exit_code = 0;
    bool out_of_memory = false;     ///< an allocation had failed
    bool killed = false;            ///< by this library, because a task had not ended in time
    std::string violation{};        ///< how it broke the protocol, for which it was killed; empty: it did not
    std::size_t peak_memory = 0;    ///< in bytes; 0: not known
    log_events::task running{};     ///< what it ran; `id` 0: nothing, or a task that is not known here
    std::string stack{};            ///< of a crash; empty: not known
};
/// The successor of a worker that died or left has started; a `worker_started` of `worker` precedes it.
struct worker_replaced {
    log_events::worker worker{};
    pid_t predecessor = 0;
};
/// A worker ended in order: it was to be replaced, or its executor stops.
struct worker_left {
    log_events::worker worker{};
};

enum class limit : std::uint8_t {
    time,         ///< `task_timeout`, or the `timeout` of the call: it is asked to stop
    memory,       ///< an allocation failed at `memory_limit`: the worker is replaced
    soft_memory,  ///< the worker used more than `memory_soft_limit` after a task: it is replaced
};
/// A task, or its worker, has exceeded a limit.
struct limit_reached {
    log_events::limit limit{};
    log_events::worker worker{};
    log_events::task task{};                ///< `id` 0: none in particular
    std::chrono::nanoseconds allowed{0};  ///< `limit::time`: the limit
};
/// A call whose worker died, or that met the memory limit, is repeated by the `retries` that it has.
struct call_retried {
    log_events::task task{};
    int retries_left = 0;
};

}  // namespace log_events

/// One event.
struct log_event {
    std::chrono::system_clock::time_point when{};
    std::string executor{};  ///< its name
    std::variant<log_events::executor_started, log_events::executor_stopped, log_events::worker_started,
                 log_events::worker_died, log_events::worker_replaced, log_events::worker_left,
                 log_events::limit_reached, log_events::call_retried>
        what{};
    std::uint64_t lost = 0;  ///< events before this one that were dropped, because the handler was too slow

    /// One line without its end, such as `executor 'process:2': worker 1 (pid 4711) was killed by SIGSEGV while it ran 'resize'`.
    /// The stack is not in it.
    [[nodiscard]] std::string text() const;
};

using log_handler = std::function<void(const log_event&)>;

/// Passes the library's own events to `f`; an empty `f` ends that. By default nobody gets them, and nothing is printed.
///
/// The handler is called on a thread of the library, which starts with the first event; one event at a time, in the order in which they
/// happened; without a lock of the library held. So it may do anything: block, use executors, call `set_log_handler`. An exception
/// that leaves it is ignored. Up to 4,096 events wait for it; more are dropped and counted in `lost`.
///
/// Thread-safe, while events arrive, too. Each event goes to the handler that was set when it happened. This function returns when the
/// events of the handler before have been delivered to it: what that refers to may be destroyed then. Only if it is called inside
/// of a handler it returns at once. The end of a `runtime` waits for the delivery of what has happened until then, for two seconds
/// at most.
///
/// In a worker process, and in a fork, there are no events. @throws std::bad_alloc
void set_log_handler(log_handler f);

}  // namespace cadre
