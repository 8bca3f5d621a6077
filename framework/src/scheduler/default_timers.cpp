#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <cadre/detail/scheduler/timer_heap.hpp>

namespace cadre::detail {

namespace {

/// A heap with a thread of its own. Never destroyed: detached work may arm timers while the program ends.
///
/// The thread keeps its planned wake time when timers are cancelled: a loop of limits that do not pass, each later than the one
/// before, wakes it once in the length of a limit and not once for each limit.
///
/// The word `planned_`, the time at which the thread polls the heap next: stored by the thread, seq_cst, before it reads the
/// earliest deadline once more; loaded by `earlier`, seq_cst, after the node was pushed. At least one of them sees the other.
class threaded_timers final : public timer_heap {
public:
    threaded_timers() {
        std::thread([this] { work(); }).detach();
    }

private:
    void earlier(steady_time when) noexcept override {
        if (planned_.load(std::memory_order_seq_cst) <= when) return;
        {
            const std::lock_guard hold(mutex_);
            changed_ = true;
        }
        condition_.notify_one();
    }
    [[noreturn]] void work() {
        for (;;) {
            fire_due(std::chrono::steady_clock::now());
            const steady_time plan = make_plan();
            std::unique_lock hold(mutex_);
            if (plan != steady_time::max())
                condition_.wait_until(hold, plan, [&] { return changed_; });
            else
                condition_.wait(hold, [&] { return changed_; });
            changed_ = false;
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
    std::mutex mutex_;  // a leaf; timers fire without it
    std::condition_variable condition_;
    bool changed_ = false;
};

}  // namespace

timer_service& default_timers() {
    static auto* service = new threaded_timers;
    return *service;
}

}  // namespace cadre::detail
