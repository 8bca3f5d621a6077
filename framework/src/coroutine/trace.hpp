/// @file
/// The events of a trace.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

#include <cadre/detail/coroutine/tracing.hpp>
#include <cadre/detail/coroutine/wait_note.hpp>

namespace cadre::detail::trace {

enum class event_kind : std::uint8_t {
    submit = 1,  ///< this thread has submitted the call or task `id`; `detail` is a `submission`
    leave,       ///< the call or task `id` has ended
    begin,       ///< the call or task `id` begins to run here: the end of an arrow
    run,         ///< this thread runs the task `id` until `pause`; 0: other work
    pause,
    wait,    ///< a coroutine of the task `id` waits; `detail` is the wait_kind, `wait` identifies it until `resume`
    resume,
    mark,     ///< an event of the log: `text`
    process,  ///< `pid` is the process `text`; its thread `tid` runs tasks
    death,    ///< the process `pid` has ended
};
/// The last kind that a worker may record.
inline constexpr event_kind last_worker_event_kind = event_kind::resume;

/// The kind of a submission. A nested call is submitted in a worker and accepted in the parent.
enum class submission : std::uint8_t { whole, arrow, call };

struct event {
    std::int64_t time = 0;  ///< steady clock, in nanoseconds
    std::uint64_t id = 0;
    std::uint64_t wait = 0;
    event_kind kind = event_kind::mark;
    std::uint8_t detail = 0;
    pid_t pid = 0;
    pid_t tid = 0;
    std::string text{};  ///< of a call or task: its name; may be empty
};

/// The receiver of events in a worker process, instead of a recorder.
class sink {
public:
    virtual void put(const event& e) noexcept = 0;

protected:
    ~sink() = default;
};
/// The sink of this thread; null: the recorder of this process, if any.
void set_thread_sink(sink* s) noexcept;

// Each records an event of this thread with the current time. To be called only while `tracing()`.
void submitted(std::uint64_t id, std::string_view name, submission what = submission::whole) noexcept;
void left(std::uint64_t id) noexcept;
void runs(std::uint64_t id) noexcept;
void pauses() noexcept;
void waits(const void* waiter, std::uint64_t id, wait_kind kind) noexcept;
void resumes(const void* waiter) noexcept;
void mark(std::string text) noexcept;

/// Records an event of another process; its time, `pid` and `tid` are set.
void record(event e) noexcept;
/// Records that `count` events of another process are missing.
void lost(std::uint64_t count) noexcept;

[[nodiscard]] std::int64_t now() noexcept;

}  // namespace cadre::detail::trace
