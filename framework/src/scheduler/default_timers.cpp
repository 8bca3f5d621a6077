#include <condition_variable>
#include <mutex>
#include <thread>

#include <cadre/detail/scheduler/timer_heap.hpp>

namespace cadre::detail {

namespace {

/// A heap with a thread of its own. Never destroyed: detached work may arm timers while the program ends.
class threaded_timers final : public timer_heap {
public:
    threaded_timers() {
        std::thread([this] { work(); }).detach();
    }

private:
    void earlier() noexcept override {
        {
            const std::lock_guard hold(mutex_);
            changed_ = true;
        }
        condition_.notify_one();
    }
    [[noreturn]] void work() {
        for (;;) {
            fire_due(std::chrono::steady_clock::now());
            std::unique_lock hold(mutex_);
            const auto deadline = next();
            if (deadline)
                condition_.wait_until(hold, *deadline, [&] { return changed_; });
            else
                condition_.wait(hold, [&] { return changed_; });
            changed_ = false;
        }
    }

    std::mutex mutex_;
    std::condition_variable condition_;
    bool changed_ = false;
};

}  // namespace

timer_service& default_timers() {
    static auto* service = new threaded_timers;
    return *service;
}

}  // namespace cadre::detail
