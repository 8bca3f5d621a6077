#include "event_log.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <pthread.h>

#include "base/process_owner.hpp"
#include "base/signals_blocked.hpp"
#include "coroutine/trace.hpp"

namespace cadre::detail::event_log {

namespace {

constexpr std::size_t max_waiting = 4096;

struct entry {
    std::shared_ptr<const log_handler> handler;
    log_event event;
    std::function<void(event_log::event&)> finish;
};

// | word | written by | read by | order |
// | --- | --- | --- | --- |
// | state_ | `set` (a handler is set or not), `disable` (never again), under the mutex | `wanted`, without the mutex | relaxed: an event at the moment of a change may be missed |
class log_queue {
public:
    static log_queue& instance() {
        static auto* const only = new log_queue;  // events may be posted while static objects are destroyed
        return *only;
    }

    [[nodiscard]] bool wanted() const noexcept {
        return state_.load(std::memory_order_relaxed) == state::on && owner_.load()->here();
    }

    void set(log_handler f) {
        auto fresh = f ? std::make_shared<const log_handler>(std::move(f)) : nullptr;
        auto owner = std::make_unique<process_owner>();
        std::shared_ptr<const log_handler> before;
        std::unique_lock hold(mutex_);
        if (state_.load(std::memory_order_relaxed) == state::disabled) return;
        if (owner_.load() == nullptr || !owner_.load()->here()) {
            owner_.store(owner.release());  // not destroyed: other threads may read it
            thread_runs_ = false;  // a fork has no such thread
            waiting_.clear();
            delivered_ = posted_;
        }
        before = std::exchange(handler_, std::move(fresh));
        state_.store(handler_ == nullptr ? state::off : state::on, std::memory_order_relaxed);
        if (!delivering_here) wait_locked(hold, nullptr);
    }

    void post(std::string_view executor, event_log::event what, std::function<void(event_log::event&)> finish) {
        const auto when = std::chrono::system_clock::now();
        const std::lock_guard hold(mutex_);
        if (handler_ == nullptr) return;
        if (waiting_.size() >= max_waiting) {
            ++lost_;
            return;
        }
        waiting_.push_back(
            {handler_, {when, std::string(executor), std::move(what), std::exchange(lost_, 0)}, std::move(finish)});
        ++posted_;
        if (!std::exchange(thread_runs_, true)) start_thread_locked();
        arrived_.notify_one();
    }

    void flush(std::chrono::nanoseconds limit) {
        const auto deadline = std::chrono::steady_clock::now() + limit;
        std::unique_lock hold(mutex_);
        wait_locked(hold, &deadline);
    }

    void disable() {
        const std::lock_guard hold(mutex_);
        handler_ = nullptr;
        state_.store(state::disabled, std::memory_order_relaxed);
    }

    static inline constinit thread_local bool delivering_here = false;

private:
    enum class state : std::uint8_t { off, on, disabled };

    // If no thread can be started, the events wait for the next attempt.
    void start_thread_locked() noexcept {
        const signals_blocked blocked;
        try {
            std::thread thread([this] { run(); });
            ::pthread_setname_np(thread.native_handle(), "cadre-log");
            thread.detach();
        } catch (const std::system_error&) {
            thread_runs_ = false;
        }
    }

    // Waits for the events that were posted before this call.
    void wait_locked(std::unique_lock<std::mutex>& hold, const std::chrono::steady_clock::time_point* deadline) {
        const std::uint64_t last = posted_;
        const auto done = [this, last] { return delivered_ >= last || !thread_runs_; };
        if (deadline == nullptr)
            progress_.wait(hold, done);
        else
            progress_.wait_until(hold, *deadline, done);
    }

    void run() noexcept {
        delivering_here = true;
        std::unique_lock hold(mutex_);
        for (;;) {
            arrived_.wait(hold, [this] { return !waiting_.empty(); });
            {
                entry next = std::move(waiting_.front());
                waiting_.pop_front();
                hold.unlock();
                deliver(next);
            }  // may destroy the handler, which is code of the program
            hold.lock();
            ++delivered_;
            progress_.notify_all();
        }
    }

    static void deliver(entry& e) noexcept {
        try {
            if (e.finish) e.finish(e.event.what);
            (*e.handler)(e.event);
        } catch (...) {  // a log must not end the program
        }
    }

    std::atomic<state> state_{state::off};
    std::atomic<const process_owner*> owner_{nullptr};
    std::mutex mutex_;  // a leaf: guards the members below; handlers run without it
    std::condition_variable arrived_;
    std::condition_variable progress_;
    std::shared_ptr<const log_handler> handler_;
    std::deque<entry> waiting_;
    std::uint64_t posted_ = 0;
    std::uint64_t delivered_ = 0;
    std::uint64_t lost_ = 0;
    bool thread_runs_ = false;
};

}  // namespace

bool wanted() noexcept { return tracing() || log_queue::instance().wanted(); }

void post(std::string_view executor, event what) noexcept { post(executor, std::move(what), {}); }

void post(std::string_view executor, event what, std::function<void(event&)> finish) noexcept {
    try {
        if (tracing()) {
            log_event e{{}, std::string(executor), std::move(what)};
            trace::mark(e.text());
            what = std::move(e.what);
        }
        if (!log_queue::instance().wanted()) return;
        log_queue::instance().post(executor, std::move(what), std::move(finish));
    } catch (const std::bad_alloc&) {  // the event is lost
    }
}

void flush(std::chrono::nanoseconds limit) noexcept {
    if (!log_queue::instance().wanted() || log_queue::delivering_here) return;
    log_queue::instance().flush(limit);
}

void disable() noexcept { log_queue::instance().disable(); }

}  // namespace cadre::detail::event_log

namespace cadre {

void set_log_handler(log_handler f) { detail::event_log::log_queue::instance().set(std::move(f)); }

}  // namespace cadre
