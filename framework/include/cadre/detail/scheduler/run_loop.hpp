/// @file
/// The serial run loop: a queue of work, driven by one thread at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include <cadre/detail/base/owning_pointer.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/detail/scheduler/reactor.hpp>
#include <cadre/detail/scheduler/timer_heap.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

class loop_control;

/// How a loop chooses its next item, and its clock.
struct loop_options {
    bool virtual_time = false;
    std::optional<std::uint64_t> seed{};  ///< none: in order
};

/// A serial executor: its items run one at a time, on the thread that drives it. Any thread may submit work.
///
/// Every thread that blocks in `sync_wait` or `runtime::run` drives all serial loops of the process that no other
/// thread drives at that moment. "Driver" below is the thread that holds the loop. The thread that has reserved a loop
/// holds it until it returns; another driver that holds the loop when it is reserved releases it after the item that it
/// runs.
///
///     word      state       changed by                                     to               order
///     inbox_    list        `submit`, any thread: pushes an item           longer list      compare-exchange, seq_cst
///                           driver, `drain_inbox`: takes all               null             exchange, acquire
///     queued_   any         driver, after its items                        queue not empty  store, release
///     driver_   0           `hold`, a thread in `drive_until`              held             compare-exchange, acquire
///               any         `reserve`, before the work is posted           + reserved       fetch_or, seq_cst
///               reserved    `hold_reserved`, by the thread that reserved   + held           compare-exchange, acquire
///               held, any   `release`, by the holder                       - held           fetch_and, seq_cst
///               reserved    `end_reservation`, when its driver returns     - reserved       fetch_and, release
///     pins_     n > 0       `pin` (never from 0)                           n + 1            compare-exchange, acq_rel
///               n > 0       `unpin`; at 0 the loop is deleted              n - 1            fetch_sub, acq_rel
///
/// `inbox_` is seq_cst because of sleeping drivers: a submitter pushes, then reads the number of sleepers; a driver
/// announces that it sleeps, then reads `inbox_`. At least one of them sees the other. So are `reserve` and `release`:
/// the thread that has reserved the loop and the one that holds it may each sleep until the other wakes it.
class run_loop final : public executor_backend, public local_worker {
public:
    /// A loop lives until its last handle is dropped and no thread is inside it: a task that runs on it may drop the
    /// last handle.
    [[nodiscard]] static std::shared_ptr<run_loop> make(std::string name = "serial", const loop_options& options = {});

    [[nodiscard]] executor_kind kind() const noexcept override { return executor_kind::serial; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return 1; }
    [[nodiscard]] std::string name() const override { return name_; }
    void submit(std::span<work_item* const> items) noexcept override;
    using executor_backend::submit;
    [[nodiscard]] timer_service& timers() noexcept override { return *clock_; }
    [[nodiscard]] void* query(const std::type_info& extension) noexcept override;

    /// Makes the calling thread the driver. @return false if another thread is, or has reserved the loop
    [[nodiscard]] bool hold() noexcept {
        unsigned free = 0;
        return driver_.load(std::memory_order_relaxed) == 0 &&
               driver_.compare_exchange_strong(free, held, std::memory_order_acquire, std::memory_order_relaxed);
    }
    /// @return whether another thread has reserved the loop: it is to be woken, if the caller is not that thread
    bool release() noexcept { return (driver_.fetch_and(~held, std::memory_order_seq_cst) & reserved) != 0; }
    /// Reserves the loop for one driver. @return false if it is reserved already
    [[nodiscard]] bool reserve() noexcept {
        return (driver_.fetch_or(reserved, std::memory_order_seq_cst) & reserved) == 0;
    }
    /// The thread that has reserved the loop: makes it the driver. @return false while another thread is
    [[nodiscard]] bool hold_reserved() noexcept {
        unsigned expected = reserved;
        return driver_.compare_exchange_strong(expected, reserved | held, std::memory_order_acquire,
                                               std::memory_order_relaxed);
    }
    void end_reservation() noexcept { driver_.fetch_and(~reserved, std::memory_order_release); }
    /// Whether a thread has reserved the loop: another driver is to release it.
    [[nodiscard]] bool is_reserved() const noexcept {
        return (driver_.load(std::memory_order_seq_cst) & reserved) != 0;
    }
    /// Whether no thread holds the loop.
    [[nodiscard]] bool can_be_held(bool by_reserver) const noexcept {
        return driver_.load(std::memory_order_seq_cst) == (by_reserver ? reserved : 0);
    }
    /// The driver that has reserved the loop, while it holds it: whether tasks may let the loop poll for what they wait
    /// for. To be ended before the driver sleeps or returns: what the loop still polls for is posted from then on.
    void begin_polling() noexcept { polling_ = control_ == nullptr; }
    void end_polling() noexcept;
    /// Driver only: runs up to `budget` items; `by_reserver` unless another thread may reserve the loop meanwhile,
    /// which ends the turn. @return whether an item ran or a timer fired
    bool run_some(unsigned budget, bool by_reserver) noexcept;
    /// The loop's reactor; null before the first use of asynchronous I/O.
    [[nodiscard]] reactor* events() const noexcept { return reactor_.get(); }
    /// Driver only: sleeps in the reactor and runs its handlers, until the loop has items to run, the eventfd `bell` is
    /// readable, the deadline passes, or `stay()` is false after a task.
    template <class Stay>
    void sleep_in_reactor(int bell, std::optional<steady_time> deadline, Stay stay) noexcept {
        struct stay_context {
            run_loop& loop;
            Stay& stay;
        } here{*this, stay};
        const auto stay_after = [](void* context) noexcept {
            auto& v = *static_cast<stay_context*>(context);
            return !v.loop.has_items() && !v.loop.controlled_items() && v.stay();
        };
        const entered inside(*this);
        reactor_lease lease(*events(), resuming_home(), {.stay_after = stay_after, .context = &here});
        events()->watch(bell);
        lease.run(deadline);
    }
    /// The control of a loop with a virtual clock or a seed; null for every other loop.
    [[nodiscard]] loop_control* control() const noexcept { return control_.get(); }
    /// The next deadline of a sleeping task, by the hardware's clock.
    [[nodiscard]] std::optional<steady_time> next_deadline() const noexcept { return timers_.next(); }
    /// Driver only: whether there are items to run.
    [[nodiscard]] bool ready() const noexcept;
    /// Any thread: whether there are items to run (another thread may be running them).
    [[nodiscard]] bool has_submitted() const noexcept {
        return inbox_.load(std::memory_order_seq_cst) != nullptr || queued_.load(std::memory_order_acquire);
    }

    /// Keeps the loop alive. @return false if it is being deleted
    [[nodiscard]] bool pin() noexcept;
    void unpin() noexcept;
    /// Whether the caller's pin is the only one.
    [[nodiscard]] bool last_pin() const noexcept { return pins_.load(std::memory_order_acquire) == 1; }

private:
    static constexpr unsigned held = 1;
    static constexpr unsigned reserved = 2;

    run_loop(std::string name, const loop_options& options);
    ~run_loop() override;
    class loop_timers final : public timer_heap {
        void earlier(steady_time when) noexcept override;
    };
    class loop_reactor_holder final : public reactor_holder {
        void made() noexcept override;
    };
    /// Makes this loop the worker of the thread while its items run.
    class entered {
    public:
        explicit entered(run_loop& loop) noexcept;
        entered(const entered&) = delete;
        entered& operator=(const entered&) = delete;
        ~entered();

    private:
        local_worker* outer_worker_;
        environment* outer_environment_;
        waits_in_progress* outer_waits_;
    };

    /// Driver only: whether there are items to run.
    [[nodiscard]] bool has_items() noexcept {
        return !queue_.empty() || inbox_.load(std::memory_order_relaxed) != nullptr || !deque().empty();
    }
    [[nodiscard]] const executor_backend* resuming_home() const noexcept;

    void defer(work_item* item) noexcept override;
    [[nodiscard]] bool expect(polled_item& item) noexcept override;
    void expect_no_more(polled_item& item) noexcept override;
    /// The next item: the newest fork first, or with `oldest` last.
    [[nodiscard]] runnable take(bool oldest) noexcept;
    void drain_inbox() noexcept;
    static void run(runnable next) noexcept;

    // For a loop with a control.
    void take_control(const loop_options& options);
    bool run_controlled(unsigned budget, bool by_reserver) noexcept;
    [[nodiscard]] runnable draw() noexcept;
    void collect_forks() noexcept;
    [[nodiscard]] bool controlled_items() const noexcept;
    [[nodiscard]] bool has_other_work() noexcept override;
    void wake_one() noexcept override;

    alignas(64) std::atomic<work_item*> inbox_{nullptr};  // newest first; alone on its cache line: submitters write it
    alignas(64) std::string name_;
    work_item_queue queue_;  // in order; driver only
    // Of the driver that has reserved the loop, and null without one.
    polled_item* expected_ = nullptr;
    bool polling_ = false;
    std::atomic<bool> queued_{false};  // for `ready`
    std::atomic<unsigned> driver_{0};  // held, reserved
    std::atomic<unsigned> pins_{1};  // the handles count as one
    loop_timers timers_;
    timer_service* clock_ = &timers_;
    struct control_deleter {
        void operator()(loop_control* c) const noexcept;
    };
    owning_pointer<loop_control, control_deleter> control_;
    loop_reactor_holder reactor_;  // last: destroyed first, with what its handlers hold
};

/// Called with the task that a loop is about to run (0: none); a worker process records it for its supervisor.
using running_hook = void (*)(std::uint64_t task_id) noexcept;
void set_running_hook(running_hook hook) noexcept;

/// Drives the serial loops of this process on the calling thread until `done` is true. `done` is called by this
/// thread only, between items and after wakes: set it from an item of a loop, or call `wake_loop_drivers` after setting
/// it. `own` (may be null) is a loop that the caller has reserved: no other thread runs its items meanwhile. The
/// reservation ends here.
/// @return the report of a deadlock that was found meanwhile, after which all tasks were asked to stop; else empty
std::string drive_until(const std::function<bool()>& done, run_loop* own = nullptr);
/// Wakes every thread in `drive_until`. Any thread. Not async-signal-safe.
void wake_loop_drivers() noexcept;

}  // namespace cadre::detail
