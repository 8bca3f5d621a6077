/// @file
/// The exceptions of this library: all derive from `cadre::error`, which derives from `std::runtime_error`.
///
///     try { co_await cadre::on(ex, decode, file); }
///     catch (const cadre::worker_crashed& e) { std::cerr << e.what() << '\n' << e.stack_trace(); }
#pragma once

#include <cadre/detail/base/build_settings.hpp>  // first: its refusals come before other errors

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <utility>

#include <sys/types.h>

namespace cadre {

/// Base of every error of this library.
class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// An invalid configuration: a bad file, key, type, value, option or an unknown name. `what()` says where.
class config_error : public error {
public:
    using error::error;
};

/// A wait ended because stop was requested; the operation had no effect: nothing was received, sent or locked.
class cancelled : public error {
public:
    cancelled() : error("cancelled: stop was requested") {}
    using error::error;
};

/// A time limit has passed.
class timed_out : public error {
public:
    timed_out() : error("timed out") {}
    using error::error;
};

/// A send on a channel that is closed.
class channel_closed : public error {
public:
    channel_closed() : error("the channel is closed") {}
    using error::error;
};

/// Bytes from another process do not describe a value of the expected type: they are truncated, out of range or nested
/// too deeply. A `serialize` member that reads other members than it writes causes it, or a process that overwrote
/// shared memory.
class codec_error : public error {
public:
    using error::error;
};

/// The barrier was aborted, or its action has failed.
class broken_barrier : public error {
public:
    broken_barrier() : error("the barrier is broken") {}
    using error::error;
};

/// Every task of a serial executor with a virtual clock or a seed waits, and nothing can wake one of them. `what()`
/// names each waiting task, what it waits for, and where it was started.
class deadlock : public error {
public:
    using error::error;
};

/// The executor has been shut down, or stopped while the work was still queued.
class executor_stopped : public error {
public:
    executor_stopped() : error("the executor has stopped") {}
    using error::error;
};

/// A call was refused because as many calls as `max_pending` allows wait for a worker of the executor.
class overloaded : public error {
public:
    using error::error;
};

/// A value or callable that cannot leave its process or its memory domain, detected at run time.
class not_portable : public error {
public:
    using error::error;
};

/// An exception whose type this process cannot rebuild.
class remote_error : public error {
public:
    remote_error(std::string type_name, const std::string& text) : error(text), type_name_(std::move(type_name)) {}
    /// The demangled name of the exception's type in the worker.
    [[nodiscard]] const std::string& type_name() const noexcept { return type_name_; }

private:
    std::string type_name_;
};

/// The circumstances of a worker's death.
struct worker_death {
    pid_t pid = 0;
    int signal = 0;  ///< the signal that terminated it, or 0
    int exit_code = 0;  ///< its exit status, if no signal terminated it
    std::string task_name{};  ///< the name given to the task; empty if none was given
    std::string stack_trace{};  ///< of the crashing thread, symbolized; empty if not available
    std::size_t peak_memory = 0;  ///< maximum resident set in bytes; 0 if unknown
};

/// Base of the errors of tasks whose worker process has ended: `worker_crashed`, `worker_lost`, `task_killed`.
class worker_error : public error {
public:
    worker_error(const std::string& text, pid_t pid) : error(text), pid_(pid) {}
    /// The worker process.
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

private:
    pid_t pid_;
};

/// The worker process died while it ran this task, or while the task was suspended in it and was its only task, or
/// `tasks_per_worker` was 1.
class worker_crashed : public worker_error {
public:
    worker_crashed(const std::string& text, worker_death death)
        : worker_error(text, death.pid), death_(std::move(death)) {}
    /// The signal that terminated the worker; 0 if it exited.
    [[nodiscard]] int signal() const noexcept { return death_.signal; }
    /// The exit status of the worker; 0 if a signal terminated it.
    [[nodiscard]] int exit_code() const noexcept { return death_.exit_code; }
    [[nodiscard]] const std::string& task_name() const noexcept { return death_.task_name; }
    [[nodiscard]] const std::string& stack_trace() const noexcept { return death_.stack_trace; }
    /// Maximum resident set of the worker in bytes; 0 if unknown.
    [[nodiscard]] std::size_t peak_memory() const noexcept { return death_.peak_memory; }

private:
    worker_death death_;
};

/// The worker process of this task died because of another task, or its host was lost.
class worker_lost : public worker_error {
public:
    worker_lost(const std::string& text, pid_t pid, std::string task_name)
        : worker_error(text, pid), task_name_(std::move(task_name)) {}
    [[nodiscard]] const std::string& task_name() const noexcept { return task_name_; }

private:
    std::string task_name_;
};

/// Why a task was killed.
enum class kill_reason : std::uint8_t {
    time_limit,
    memory_limit,
    shutdown,  ///< its executor shut down, and the task had not ended at the deadline
    requested,  ///< by `job::kill`
};

/// "time limit", "memory limit", "shutdown", "requested"
[[nodiscard]] const char* to_string(kill_reason reason) noexcept;
std::ostream& operator<<(std::ostream& out, kill_reason reason);

/// This task was killed together with its worker process: it had exceeded its time or memory limit, had not ended when
/// its executor shut down, or `job::kill` was called.
class task_killed : public worker_error {
public:
    task_killed(const std::string& text, kill_reason reason, pid_t pid) : worker_error(text, pid), reason_(reason) {}
    [[nodiscard]] kill_reason reason() const noexcept { return reason_; }

private:
    kill_reason reason_;
};

}  // namespace cadre
