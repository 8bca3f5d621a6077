/// @file
/// The tasks and calls that an executor has accepted and that have not ended.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <source_location>
#include <string>
#include <vector>

#include <cadre/detail/base/intrusive_list.hpp>
#include <cadre/detail/base/spin_mutex.hpp>
#include <cadre/detail/codec/callable_ref.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/executor_stats.hpp>

namespace cadre::detail {

class portable_call;

/// One accepted task or call; intrusive, owned by the work itself.
struct work_root {
    stop_state* stop = nullptr;
    // For reports; constant while the work is registered.
    const std::string* name = nullptr;
    callable_ref callable{};              ///< of a call on a local executor
    const portable_call* call = nullptr;  ///< of a call to another process
    std::uint64_t id = 0;  ///< of the task; 0: unknown
    std::uint64_t starter = 0;  ///< the id of the task that has started this one
    std::source_location where{};  ///< of the main task: the call that runs it
    std::int64_t observed_from = 0;  ///< steady clock in nanoseconds: its end is measured or traced; 0: neither
    bool measured = false;
    bool traced = false;  ///< a trace shows its begin
    list_links<work_root> links{};
};

/// On two cache lines of its own, separate from the words that the workers of an executor poll.
///
/// Admission control: counts and lists accepted work, refuses work after `close`, reports the end of the last work.
/// Thread-safe.
///
/// An executor whose threads run its work binds its registry to the process: a fork has a copy of the registry, but not
/// the threads. There the registry is *foreign*: it refuses all work, reports no work, and takes no lock, because a
/// thread that is not in the fork may hold it.
///
/// The word `leaving_` counts the live objects of `work_end`: incremented relaxed, decremented with release as the last
/// access, read with acquire by the destructor.
class alignas(128) work_registry {
public:
    work_registry() noexcept = default;
    work_registry(const work_registry&) = delete;
    work_registry& operator=(const work_registry&) = delete;
    /// Waits for the `work_end`s of other threads.
    ~work_registry();

    /// From now on the registry is foreign in every fork of this process. Called before work enters.
    void bind_to_process() noexcept;
    /// Whether the registry is bound to a process of which this one is a fork. Two loads.
    [[nodiscard]] bool foreign() const noexcept {
        return process_word_ != nullptr && process_word_->load(std::memory_order_relaxed) != process_token_;
    }

    /// Accepts `root`. @return false after `close`, and if the registry is foreign: the caller fails with
    /// `executor_stopped`
    [[nodiscard]] bool enter(work_root& root) noexcept;
    /// The trace shows the begin of `root`, which has entered, and will show its end.
    static void set_traced(work_root& root) noexcept;
    /// Adds `root` although the registry may be closed: a part of work that is registered, and that may end after it.
    void enter_part(work_root& root) noexcept;
    /// Accepts `root` also after `close` while any accepted work has not ended: what such work leaves behind when it
    /// unwinds.
    /// @return false: all work has ended
    [[nodiscard]] bool enter_remainder(work_root& root) noexcept;
    /// Does the same as `work_end`, for a waiter that keeps the executor alive itself.
    void leave(work_root& root) noexcept;
    /// Asks every accepted task to stop. Callbacks of their tokens may start and end work, but not destroy the
    /// registry.
    void request_stop(stop_reason why = stop_reason::requested) noexcept;
    /// Refuses new work from now on. `on_empty` (may be empty) is called when all accepted work has ended, at once if
    /// it has.
    void close(std::function<void()> on_empty);
    [[nodiscard]] bool closed() const noexcept;

    [[nodiscard]] std::uint64_t entered() const noexcept;
    [[nodiscard]] std::uint64_t live() const noexcept;
    /// The times from `enter` to the end, of a sample.
    [[nodiscard]] duration_histogram round_trips() const noexcept;
    /// Calls `visit` for each accepted task or call, newest first, with the lock held: `visit` may take the lock of a
    /// stop tree only.
    void visit(void (*visit)(const work_root& root, void* context), void* context) const;
    /// The names of the accepted work that has not ended, oldest first, at most `max_names`: those that were given,
    /// else those of the functions; empty for work of which neither is known.
    [[nodiscard]] std::vector<std::string> names(std::size_t max_names) const;

private:
    friend class work_end;
    using functions = std::vector<std::function<void()>>;
    [[nodiscard]] bool count_end_locked() noexcept { return --live_ == 0 && !on_empty_.empty(); }
    [[nodiscard]] bool enter_locked(work_root& root) noexcept;
    void measure_locked(work_root& root) noexcept;
    void observe_end(work_root& root) noexcept;
    void report_empty() noexcept;

    mutable spin_mutex mutex_;  // under it: the lists, and `mark` and `announce` of stop states; no user code
    intrusive_list<work_root, &work_root::links> roots_;
    std::uint64_t entered_ = 0;
    std::uint64_t live_ = 0;
    bool closed_ = false;
    std::atomic<unsigned> leaving_{0};
    functions on_empty_;
    duration_histogram round_trips_;
    std::uint64_t next_measured_ = 0;  // number of the next work item whose round trip is measured
    // The word and the token of the `process_owner` to which the registry is bound; null: it is bound to none.
    const std::atomic<std::uint32_t>* process_word_ = nullptr;
    std::uint32_t process_token_ = 0;
};

/// The end of accepted work, in two steps. The constructor removes `root`; then the owner of this object notifies the
/// waiter of the work, which may destroy it, and the executor with it; then the destructor counts the work as ended,
/// and may call the functions given to `close`. So a shutdown completes only when all waiters have been notified.
class work_end {
public:
    work_end(work_registry& registry, work_root& root) noexcept;
    work_end(const work_end&) = delete;
    work_end& operator=(const work_end&) = delete;
    ~work_end();

private:
    friend class work_registry;

    work_registry* registry_;  // null: destroyed in between, by this thread
    work_end* outer_;  // of this thread: a notification may destroy other work
};

}  // namespace cadre::detail
