/// @file
/// Where an executor's idle thread sleeps once somebody uses asynchronous I/O there.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include <cadre/detail/coroutine/work_item.hpp>
#include <cadre/detail/scheduler/timer_service.hpp>

namespace cadre {
class executor_backend;
}

namespace cadre::detail {

/// A source of I/O events and its handlers. Threads look at it in a `reactor_lease`; one at a time.
class reactor {
public:
    /// `shared`: several threads visit in turn.
    explicit reactor(bool shared) noexcept : shared_(shared) {}
    reactor(const reactor&) = delete;
    reactor& operator=(const reactor&) = delete;
    virtual ~reactor() = default;

    /// Makes the thread that sleeps here return. Any thread; async-signal-safe it is not.
    virtual void wake() noexcept = 0;
    /// A sleeper here also wakes when this eventfd is readable (it is read then); -1: none. Only by who may visit.
    virtual void watch(int descriptor) noexcept = 0;
    /// Whether a thread looks at the events at this moment.
    [[nodiscard]] bool visited() const noexcept { return visited_.load(std::memory_order_acquire); }

private:
    friend class reactor_lease;
    /// Runs one handler if one is ready. @return whether one ran
    virtual bool poll_one() noexcept = 0;
    /// Runs one handler, sleeping until there is one.
    virtual void run_one(std::optional<steady_time> deadline) noexcept = 0;
    /// Whether the last one was a wake, the watched descriptor or the deadline.
    [[nodiscard]] virtual bool sleep_ended() const noexcept = 0;
    /// Runs handlers, sleeping when there are none, until a wake, the watched descriptor, the deadline, or `leave`.
    virtual void run(std::optional<steady_time> deadline) noexcept = 0;
    /// Makes `run` return after the handler that calls this.
    virtual void leave() noexcept = 0;

    const bool shared_;
    std::atomic<bool> visited_{false};
};

/// What is to be done around each task that a visitor resumes.
struct task_hooks {
    void (*before)(void* context) noexcept = nullptr;
    bool (*stay_after)(void* context) noexcept = nullptr;  ///< false: `run` is to return
    void* context = nullptr;
};

/// One thread's look at a reactor. Tasks whose home is `home` are resumed by their handlers, on the spot (null: none are).
class reactor_lease {
public:
    reactor_lease(reactor& where, const executor_backend* home, task_hooks hooks = {}) noexcept;
    reactor_lease(const reactor_lease&) = delete;
    reactor_lease& operator=(const reactor_lease&) = delete;
    ~reactor_lease();

    /// False: another thread visits. May become false by `poll` and `run_one`: while a task runs others may visit.
    [[nodiscard]] explicit operator bool() const noexcept { return here_; }
    /// Runs up to `budget` handlers that are ready. @return whether any ran
    bool poll(unsigned budget) noexcept {
        bool any = false;
        while (here_ && budget-- != 0 && where_.poll_one())
            any = true;
        return any;
    }
    /// Runs one handler, sleeping until there is one. @return false: it was a wake, the watched descriptor or the deadline
    bool run_one(std::optional<steady_time> deadline) noexcept {
        where_.run_one(deadline);
        return !here_ || !where_.sleep_ended();  // what another visitor meanwhile meets is its own
    }
    void run(std::optional<steady_time> deadline) noexcept { where_.run(deadline); }
    /// In a handler that is not a task's: this thread has something to do outside.
    static void leave_soon() noexcept;

    /// Runs `item`, which resumes a task, here and now if this thread visits the reactor of its home. The item may be gone
    /// when this returns true. @return false: not done, post it
    [[nodiscard]] static bool resume_here(work_item& item) noexcept;

private:
    reactor& where_;
    const executor_backend* home_;
    task_hooks hooks_;
    bool here_;
    reactor_lease* outer_;
};

/// Where a backend keeps its reactor; `query(typeid(reactor_holder))` gives it. Empty until somebody needs it.
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
    /// Idle threads of the backend have to sleep in the reactor from now on.
    virtual void made() noexcept = 0;

    std::mutex mutex_;
    std::unique_ptr<reactor> owner_;
    std::atomic<reactor*> made_{nullptr};
};

}  // namespace cadre::detail
