/// @file
/// The serial run loop: a queue of work that one thread at a time drives.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/detail/scheduler/reactor.hpp>
#include <cadre/detail/scheduler/timer_heap.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// A serial executor: its items run one at a time, on whichever thread drives it. Work may be submitted by any thread.
///
/// Every thread that blocks in `sync_wait` or `runtime::run` drives all serial loops of the process that nobody else
/// drives at that moment.
class run_loop final : public executor_backend, public local_worker {
public:
    /// A loop lives until its last handle is gone and nobody is inside it; so the last handle may be dropped by a task
    /// that runs on it.
    [[nodiscard]] static std::shared_ptr<run_loop> make(std::string name = "serial");

    [[nodiscard]] executor_kind kind() const noexcept override { return executor_kind::serial; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return 1; }
    [[nodiscard]] std::string name() const override { return name_; }
    void submit(std::span<work_item* const> items) noexcept override;
    using executor_backend::submit;
    [[nodiscard]] timer_service& timers() noexcept override { return timers_; }
    [[nodiscard]] void* query(const std::type_info& extension) noexcept override;

    /// Makes the calling thread the one that drives the loop. @return false: another thread does
    [[nodiscard]] bool hold() noexcept {
        return !driven_.load(std::memory_order_relaxed) && !driven_.exchange(true, std::memory_order_acquire);
    }
    void release() noexcept { driven_.store(false, std::memory_order_release); }
    /// Reserves the loop for a driver that calls it its own. @return false: it is already
    [[nodiscard]] bool reserve() noexcept { return !reserved_.exchange(true, std::memory_order_acq_rel); }
    void end_reservation() noexcept { reserved_.store(false, std::memory_order_release); }
    [[nodiscard]] bool reserved() const noexcept { return reserved_.load(std::memory_order_acquire); }
    /// Runs up to `budget` items; by the thread that holds the loop. @return whether anything ran or fired
    bool run_some(unsigned budget) noexcept;
    /// The loop's reactor, null as long as nobody needs one.
    [[nodiscard]] reactor* events() const noexcept { return place_.get(); }
    /// Sleeps in the reactor and runs its handlers, until the loop has items to run, `bell` (an eventfd) rings, the deadline
    /// passes, or `stay()` is false after a task. By the thread that holds the loop.
    template <class Stay>
    void visit_reactor(int bell, std::optional<steady_time> deadline, Stay stay) noexcept {
        struct visitor {
            run_loop& loop;
            Stay& stay;
        } here{*this, stay};
        const auto stay_after = [](void* context) noexcept {
            auto& v = *static_cast<visitor*>(context);
            return !v.loop.has_items() && v.stay();
        };
        const entered inside(*this);
        reactor_lease visit(*events(), resuming_home(), {.stay_after = stay_after, .context = &here});
        events()->watch(bell);
        visit.run(deadline);
    }
    /// The next deadline of a sleeping task.
    [[nodiscard]] std::optional<steady_time> next_deadline() const noexcept { return timers_.next(); }
    /// Whether there is something to run now (another thread may be running it).
    [[nodiscard]] bool ready() const noexcept;
    [[nodiscard]] bool driven() const noexcept { return driven_.load(std::memory_order_acquire); }

    /// Keeps the loop alive. @return false if it is on its way out
    [[nodiscard]] bool pin() noexcept;
    void unpin() noexcept;
    /// Whether the caller's pin is all that keeps it.
    [[nodiscard]] bool last_pin() const noexcept { return pins_.load(std::memory_order_acquire) == 1; }

private:
    explicit run_loop(std::string name);
    ~run_loop() override;
    class loop_timers final : public timer_heap {
        void earlier() noexcept override;
    };
    class loop_reactor_holder final : public reactor_holder {
        void made() noexcept override;
    };
    /// While the loop's work runs on this thread.
    class entered {
    public:
        explicit entered(run_loop& loop) noexcept;
        entered(const entered&) = delete;
        entered& operator=(const entered&) = delete;
        ~entered();

    private:
        local_worker* outer_worker_;
        environment* outer_environment_;
    };

    /// Whether there is something to run; the driver's.
    [[nodiscard]] bool has_items() noexcept {
        return head_ != nullptr || inbox_.load(std::memory_order_relaxed) != nullptr || !deque().empty();
    }
    [[nodiscard]] const executor_backend* resuming_home() const noexcept;

    void defer(work_item* item) noexcept override;
    /// The next one: `oldest` before what was forked last.
    [[nodiscard]] runnable take(bool oldest) noexcept;
    void drain_inbox() noexcept;
    static void run(runnable next) noexcept;

    std::string name_;
    std::atomic<work_item*> inbox_{nullptr};  // pushed by anyone, newest first
    work_item* head_ = nullptr;  // in order; the driver's
    work_item* tail_ = nullptr;
    std::atomic<bool> queued_{false};  // head_ is not null; for `ready`
    std::atomic<bool> driven_{false};
    std::atomic<bool> reserved_{false};
    std::atomic<unsigned> pins_{1};  // the handles count as one
    loop_timers timers_;
    loop_reactor_holder place_;  // last: what its handlers hold goes first
};

/// Told which task a loop is about to run (0: none); how a worker process leaves word for its supervisor.
using running_hook = void (*)(std::uint64_t task_id) noexcept;
void set_running_hook(running_hook hook) noexcept;

/// Drives the serial loops of this process on the calling thread until `done` is true. `done` is only looked at by this
/// thread between items and after wakes: set it from an item of a loop, or call `wake_loop_drivers` after setting it.
/// `own` (may be null) is a loop that the caller has reserved: no other thread runs it. The reservation ends here.
void drive_until(const std::function<bool()>& done, run_loop* own = nullptr);
/// Wakes every thread in `drive_until`. Any thread; async-signal-safe it is not.
void wake_loop_drivers() noexcept;

}  // namespace cadre::detail
