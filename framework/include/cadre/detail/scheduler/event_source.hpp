/// @file
/// A source of events from other processes, polled by a run loop while it is idle.
#pragma once

namespace cadre::detail {

/// A source of events outside this process's own queues (completions of worker processes, shared channels, …).
///
/// Protocol of the loop: while idle it polls every source for a few microseconds; before it sleeps it calls
/// `announce_sleep` on each, polls each once more, and only then blocks until a wake descriptor is readable; on
/// waking it calls `announce_awake`. A ringer publishes, issues a fence, reads the announcement, and writes the
/// descriptor only if the loop sleeps.
class event_source {
public:
    virtual ~event_source() = default;
    /// Handles the events that have arrived, a bounded number. @return whether there were any
    virtual bool poll() noexcept = 0;
    /// Whether a short spin is worthwhile now: an answer is expected from a process that runs on another CPU.
    [[nodiscard]] virtual bool expects_soon() const noexcept { return false; }
    /// Whether spinning delays no other thread: a core is idle, and the process that would answer runs on another core.
    /// The loop then spins for as long as a wake-up takes, if recent spins succeeded.
    [[nodiscard]] virtual bool may_spin() const noexcept { return false; }
    /// The loop polls continuously: ringers need not ring.
    virtual void announce_polling() noexcept {}
    /// The loop runs a task and may not poll for a long time.
    virtual void announce_busy() noexcept {}
    /// The loop is about to block; sequentially consistent before the loop's last poll.
    virtual void announce_sleep() noexcept = 0;
    virtual void announce_awake() noexcept = 0;
};

/// Sources polled by the loop that drives this process (the one in `runtime::run` or `sync_wait`, or a worker's run
/// loop). Thread-safe; `remove` returns only when the source is not being polled.
void add_event_source(event_source& source);
void remove_event_source(event_source& source);

/// The descriptor (an eventfd) that wakes that loop; ringers in other processes write to it. The same for the whole
/// life of the process; may be set once, before the loop first sleeps, to one that other processes already have.
[[nodiscard]] int loop_wake_descriptor();
void set_loop_wake_descriptor(int descriptor);

}  // namespace cadre::detail
