/// @file
/// Where the idle thread of an executor sleeps once asynchronous I/O is used there.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include <cadre/detail/base/owning_pointer.hpp>
#include <cadre/detail/coroutine/work_item.hpp>
#include <cadre/detail/scheduler/timer_service.hpp>

namespace cadre {
class executor_backend;
}

namespace cadre::detail {

/// A source of I/O events and its handlers. A thread waits for events or polls them while it holds a `reactor_lease`;
/// one thread at a time holds it.
///
///     word      state  changed by                                                  to     order
///     leased_   false  a thread that makes a lease, or that has run a task in one  true   exchange, acquire
///               true   its holder: at its end, or while it runs a task             false  store, release
///
/// The order makes what one holder did in the reactor visible to the next.
class reactor {
public:
    /// `shared`: several threads take leases in turn, also while a holder runs a task.
    explicit reactor(bool shared) noexcept : shared_(shared) {}
    reactor(const reactor&) = delete;
    reactor& operator=(const reactor&) = delete;
    virtual ~reactor() = default;

    /// Makes the thread that sleeps here return. Any thread. Not async-signal-safe.
    virtual void wake() noexcept = 0;
    /// Also wakes a sleeper when this eventfd is readable, and reads it; -1: none. Only while no other thread holds a
    /// lease.
    virtual void watch(int descriptor) noexcept = 0;
    /// Whether a thread holds a lease and watches the events.
    [[nodiscard]] bool leased() const noexcept { return leased_.load(std::memory_order_acquire); }

private:
    friend class reactor_lease;
    /// Runs one handler if one is ready. @return whether one ran
    virtual bool poll_one() noexcept = 0;
    /// Runs one handler, sleeping until there is one.
    virtual void run_one(std::optional<steady_time> deadline) noexcept = 0;
    /// Whether the last handler was that of a wake, the watched descriptor or the deadline.
    [[nodiscard]] virtual bool sleep_ended() const noexcept = 0;
    /// Runs handlers, sleeping when there are none, until a wake, the watched descriptor, the deadline, or `leave`.
    virtual void run(std::optional<steady_time> deadline) noexcept = 0;
    /// Makes `run` return after the handler that calls this.
    virtual void leave() noexcept = 0;

    const bool shared_;
    std::atomic<bool> leased_{false};
};

/// Callbacks around each task that the holder of a lease resumes.
struct task_hooks {
    void (*before)(void* context) noexcept = nullptr;
    bool (*stay_after)(void* context) noexcept = nullptr;  ///< false: `run` is to return
    void* context = nullptr;
};

/// The right of one thread to watch a reactor. Handlers resume tasks whose home is `home` on the spot (null: none).
class reactor_lease {
public:
    reactor_lease(reactor& where, const executor_backend* home, task_hooks hooks = {}) noexcept;
    reactor_lease(const reactor_lease&) = delete;
    reactor_lease& operator=(const reactor_lease&) = delete;
    ~reactor_lease();

    /// False: another thread holds the lease. `poll` and `run_one` may lose it: while a task runs, others may take it.
    [[nodiscard]] explicit operator bool() const noexcept { return held_; }
    /// Runs up to `budget` handlers that are ready. @return whether any ran
    bool poll(unsigned budget) noexcept {
        bool any = false;
        while (held_ && budget-- != 0 && reactor_.poll_one())
            any = true;
        return any;
    }
    /// Runs one handler, sleeping until there is one. @return false for a wake, the watched descriptor or the deadline
    bool run_one(std::optional<steady_time> deadline) noexcept {
        reactor_.run_one(deadline);
        return !held_ || !reactor_.sleep_ended();  // without the lease the answer is about another thread
    }
    void run(std::optional<steady_time> deadline) noexcept { reactor_.run(deadline); }
    /// In a handler that is not a task's: makes the sleep of this thread end.
    static void leave_soon() noexcept;

    /// Runs `item`, which resumes a task, at once if this thread holds a lease of its home's reactor. The item may be
    /// destroyed before this returns true. @return false: it was not run, post it
    [[nodiscard]] static bool resume_here(work_item& item) noexcept;

private:
    reactor& reactor_;
    const executor_backend* home_;
    task_hooks hooks_;
    bool held_;
    reactor_lease* outer_;
};

/// Owns the reactor of a backend; `query(typeid(reactor_holder))` returns it. Empty until the first use of asynchronous
/// I/O.
class reactor_holder {
public:
    reactor_holder() = default;
    reactor_holder(const reactor_holder&) = delete;
    reactor_holder& operator=(const reactor_holder&) = delete;

    [[nodiscard]] reactor* get() const noexcept { return made_.load(std::memory_order_acquire); }
    /// Any thread.
    reactor& get_or_make(executor_backend& backend, std::unique_ptr<reactor> (*make)(executor_backend&));

protected:
    ~reactor_holder() = default;

private:
    /// Called once: from now on idle threads of the backend have to sleep in the reactor.
    virtual void made() noexcept = 0;

    std::mutex mutex_;  // under it: the reactor is made; no user code
    owning_pointer<reactor> owner_;
    std::atomic<reactor*> made_{nullptr};
};

}  // namespace cadre::detail
