#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#include "base/process_owner.hpp"
#include "base/signals_blocked.hpp"
#include "loop_control.hpp"

#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/detail/scheduler/timer_heap.hpp>

namespace cadre::detail {

namespace {

/// A heap with a thread of its own. Never destroyed: detached work may arm timers while the program ends.
///
/// The thread keeps its planned wake time when timers are cancelled: a loop of limits that do not pass, each later than
/// the one before, wakes it once in the length of a limit and not once for each limit.
///
/// The word `planned_`, the time at which the thread polls the heap next: stored by the thread, seq_cst, before it
/// reads the earliest deadline once more; loaded by `earlier`, seq_cst, after the node was pushed. At least one of them
/// sees the other.
class threaded_timers final : public timer_heap {
public:
    /// Starts the thread: a fork has the timers, but not the thread. If the system has no thread left, a thread that
    /// drives loops fires the timers, until a call finds one.
    void start() noexcept {
        static std::mutex once;
        const std::lock_guard hold(once);
        if (here()) return;
        planned_.store(steady_time::min(), std::memory_order_seq_cst);  // nothing rings before the thread plans
        auto* const b = new (std::nothrow) bell;
        if (b == nullptr) return;
        try {
            const signals_blocked blocked;
            std::thread([this, b] {
                bell_.store(b, std::memory_order_release);
                work(*b);
            }).detach();
            bell_.store(b, std::memory_order_release);
            unattended_.store(false, std::memory_order_seq_cst);
        } catch (const std::system_error&) {
            delete b;
            unattended_.store(true, std::memory_order_seq_cst);
        }
    }
    /// Whether the thread could not be started.
    [[nodiscard]] bool unattended() const noexcept { return unattended_.load(std::memory_order_seq_cst); }
    bool fire_unattended() noexcept {
        firing_.store(true, std::memory_order_release);
        const bool any = fire_due(std::chrono::steady_clock::now());
        firing_.store(false, std::memory_order_release);
        return any;
    }
    [[nodiscard]] bool firing() const noexcept { return firing_.load(std::memory_order_acquire); }
    [[nodiscard]] bool here() const noexcept {
        const bell* const b = bell_.load(std::memory_order_acquire);
        return b != nullptr && b->owner.here();
    }

private:
    // The condition variable on which the thread sleeps. Never destroyed: in a fork its state says that the parent's
    // thread still sleeps on it.
    struct bell {
        const process_owner owner{};
        std::mutex mutex{};
        std::condition_variable condition{};
        bool rung = false;
    };

    void earlier(steady_time when) noexcept override {
        if (unattended()) return wake_loop_drivers();
        if (planned_.load(std::memory_order_seq_cst) <= when) return;
        bell& b = *bell_.load(std::memory_order_acquire);
        {
            const std::lock_guard hold(b.mutex);
            b.rung = true;
        }
        b.condition.notify_one();
    }
    [[noreturn]] void work(bell& b) {
        for (;;) {
            firing_.store(true, std::memory_order_release);  // before a timer leaves the heap
            fire_due(std::chrono::steady_clock::now());
            firing_.store(false, std::memory_order_release);
            const steady_time plan = make_plan();
            std::unique_lock hold(b.mutex);
            if (plan != steady_time::max())
                b.condition.wait_until(hold, plan, [&] { return b.rung; });
            else
                b.condition.wait(hold, [&] { return b.rung; });
            b.rung = false;
        }
    }

    [[nodiscard]] steady_time make_plan() noexcept {
        for (;;) {
            const steady_time plan = next().value_or(steady_time::max());
            planned_.store(plan, std::memory_order_seq_cst);
            if (next().value_or(steady_time::max()) >= plan) return plan;
        }
    }

    std::atomic<steady_time> planned_{steady_time::min()};
    std::atomic<bool> unattended_{false};  // stored by `start`
    std::atomic<bool> firing_{false};  // stored by the thread, release; read by `firing`, acquire, after the heap
    std::atomic<bell*> bell_{nullptr};
};

std::atomic<threaded_timers*> started{nullptr};

}  // namespace

timer_service& default_timers() {
    static auto* service = [] {
        auto* const fresh = new threaded_timers;
        started.store(fresh, std::memory_order_release);
        return fresh;
    }();
    if (!service->here()) service->start();
    return *service;
}

std::optional<steady_time> next_default_timer() noexcept {
    const threaded_timers* const service = started.load(std::memory_order_acquire);
    return service == nullptr ? std::nullopt : service->next();
}

std::optional<steady_time> next_unattended_timer() noexcept {
    const threaded_timers* const service = started.load(std::memory_order_acquire);
    return service != nullptr && service->unattended() ? service->next() : std::nullopt;
}

bool fire_unattended_timers() noexcept {
    threaded_timers* const service = started.load(std::memory_order_acquire);
    return service != nullptr && service->unattended() && service->fire_unattended();
}

bool default_timers_firing() noexcept {
    const threaded_timers* const service = started.load(std::memory_order_acquire);
    return service != nullptr && service->firing();
}

}  // namespace cadre::detail
