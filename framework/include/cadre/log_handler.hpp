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
/// The executor was shut down, or its last handle was destroyed.
struct executor_stopped {
    executor_kind kind{};
};

/// The process of a worker has started; its initializer has not run yet.
struct worker_started {
    log_events::worker worker{};
};
/// A worker ended without a request of its executor.
struct worker_died {
    log_events::worker worker{};
    bool status_known = false;  ///< whether `signal` and `exit_code` are known
    int signal = 0;             ///< the signal that ended it; 0: it exited
    int exit_code = 0;
    bool out_of_memory = false;     ///< an allocation had failed
    bool killed = false;            ///< whether the library killed it, because a task had not ended in time
    std::string violation{};        ///< the violation of the protocol for which it was killed; empty: none
    std::size_t peak_memory = 0;    ///< in bytes; 0: not known
    log_events::task running{};     ///< the task that it ran; `id` 0: none, or not known
    std::string stack{};            ///< the stack of the crash; empty: not known
};
/// The successor of a worker that died or left has started; a `worker_started` of `worker` precedes it.
struct worker_replaced {
    log_events::worker worker{};
    pid_t predecessor = 0;
};
/// A worker exited in order, because it is replaced or its executor stops.
struct worker_left {
    log_events::worker worker{};
};

enum class limit : std::uint8_t {
    time,         ///< `task_timeout`, or the `timeout` of the call: stop of the task is requested
    memory,       ///< an allocation failed at `memory_limit`: the worker is replaced
    soft_memory,  ///< the worker used more than `memory_soft_limit` after a task: it is replaced
};
/// A task, or its worker, has exceeded a limit.
struct limit_reached {
    log_events::limit limit{};
    log_events::worker worker{};
    log_events::task task{};                ///< `id` 0: no single task
    std::chrono::nanoseconds allowed{0};  ///< `limit::time`: the limit
};
/// A call whose worker died, or that reached the memory limit, is repeated, because it has `retries` left.
struct call_retried {
    log_events::task task{};
    int retries_left = 0;
};

}  // namespace log_events

namespace detail {

// A template, so that its variant, which is expensive to compile, is instantiated only where an event is used.
template <class... Events>
struct log_event_of {
    std::chrono::system_clock::time_point when{};
    std::string executor{};  ///< its name
    std::variant<Events...> what{};  ///< one of the structs of `log_events`
    std::uint64_t lost = 0;  ///< events before this one that were dropped, because the handler was too slow

    /// One line without its end, such as `executor 'process:2': worker 1 (pid 4711) was killed by SIGSEGV while it ran
    /// 'resize'`. The stack is not in it.
    [[nodiscard]] std::string text() const;
};

}  // namespace detail

/// One event.
using log_event = detail::log_event_of<log_events::executor_started, log_events::executor_stopped,
                                       log_events::worker_started, log_events::worker_died, log_events::worker_replaced,
                                       log_events::worker_left, log_events::limit_reached, log_events::call_retried>;

using log_handler = std::function<void(const log_event&)>;

/// Sets the handler of the library's own events; an empty `f` removes it. By default there is no handler, and nothing
/// is printed.
///
/// The handler is called on a thread of the library, with one event at a time, in the order of the events. No lock of
/// the library is held, so the handler may block, use executors and call `set_log_handler`. Exceptions of the handler
/// are ignored. At most 4,096 events wait for it; further events are dropped and counted in `lost`.
///
/// Thread-safe, also while events arrive. Each event goes to the handler that was set when it happened. The function
/// returns when the previous handler has received its events, so objects to which that handler refers may be destroyed
/// then; called inside a handler, it returns immediately. The destructor of `runtime` waits for the delivery of all
/// events, for two seconds at most.
///
/// In a worker process, and in a fork, there are no events. @throws std::bad_alloc
void set_log_handler(log_handler f);

}  // namespace cadre
