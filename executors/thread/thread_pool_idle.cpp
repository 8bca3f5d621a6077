// How the workers of a thread pool park and are woken: leader, standby and followers.

#include "thread_pool.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "pool_worker.hpp"

namespace cadre::detail {

namespace {

// The interval of the standby's checks, by which a task that computes inside a handler may delay events.
constexpr std::chrono::milliseconds standby_interval{5};
// The time for which a leader parks if another worker is in a handler of the reactor: such handlers are short.
constexpr std::chrono::milliseconds busy_reactor_interval{1};

}  // namespace

void thread_pool::add_sleeper_locked(worker& w) noexcept {
    w.is_sleeper = true;
    sleepers_.push_back(&w);
    sleeping_.fetch_add(1, std::memory_order_seq_cst);
}

void thread_pool::remove_sleeper_locked(worker& w) noexcept {
    if (!w.is_sleeper) return;
    w.is_sleeper = false;
    std::erase(sleepers_, &w);
    sleeping_.fetch_sub(1, std::memory_order_seq_cst);
}

// @return null if no follower sleeps
thread_pool::worker* thread_pool::remove_follower_locked() noexcept {
    const auto at = std::ranges::find_if(sleepers_, [this](const worker* w) { return w != leader_; });
    if (at == sleepers_.end()) return nullptr;
    worker* const follower = *at;
    remove_sleeper_locked(*follower);
    return follower;
}

void thread_pool::sleep(worker& self) noexcept {
    bool leader = false;
    {
        const std::lock_guard hold(sleepers_mutex_);
        add_sleeper_locked(self);
        if (leader_ == nullptr) {
            leader_ = &self;
            leader = true;
        }
    }
    heavy_fence();
    if (!has_work()) {
        reactor* const events = reactor_.get();
        if (events == nullptr)
            self.spot.park(leader ? timers_.next() : std::nullopt);
        else if (leader)
            sleep_in_reactor(self, *events);
        else
            sleep_as_follower(self);
    }
    worker* successor = nullptr;
    {
        const std::lock_guard hold(sleepers_mutex_);
        remove_sleeper_locked(self);
        if (leader_ == &self) {
            leader_ = nullptr;
            // A sleeper has to watch the deadlines and events while this worker is busy.
            const bool events = reactor_.get() != nullptr && standby_ == nullptr;
            if ((!timers_.empty() || events) && !sleepers_.empty()) {
                successor = sleepers_.back();
                remove_sleeper_locked(*successor);
            }
        }
    }
    if (successor != nullptr) unpark(*successor);
}

// The leader remains a sleeper while handlers run: most are short, and a publisher that needs a worker meanwhile wakes
// it.
void thread_pool::sleep_in_reactor(worker& self, reactor& events) noexcept {
    if (!self.spot.enter_reactor(events)) return;
    bool busy = false;
    self.in_reactor = true;
    {
        const auto before = [](void* pool) noexcept { static_cast<thread_pool*>(pool)->before_task_in_handler(); };
        reactor_lease lease(events, resuming_home(), {.before = before, .context = this});
        busy = !lease;
        while (lease && lease.run_one(timers_.empty() ? std::nullopt : timers_.next()))
            if (self.spot.unparked() || has_work()) break;
    }
    self.in_reactor = false;
    self.spot.leave_reactor();
    if (busy) self.spot.park(std::chrono::steady_clock::now() + busy_reactor_interval);
}

// The standby sleeps for an interval. If no thread waits for events then, the leadership becomes vacant, and the next
// worker to park, which is the standby itself, takes it.
void thread_pool::sleep_as_follower(worker& self) noexcept {
    bool standby = false;
    {
        const std::lock_guard hold(sleepers_mutex_);
        if (wants_standby_.load(std::memory_order_relaxed) && standby_ == nullptr && self.is_sleeper) {
            standby_ = &self;
            standby = true;
        }
    }
    if (!standby) {
        self.spot.park(std::nullopt);
        return;
    }
    const bool unparked = self.spot.park(std::chrono::steady_clock::now() + standby_interval);
    const std::lock_guard hold(sleepers_mutex_);
    standby_ = nullptr;
    if (unparked) return;
    if (!had_events_.exchange(false, std::memory_order_relaxed)) wants_standby_.store(false, std::memory_order_relaxed);
    if (!reactor_.get()->leased()) leader_ = nullptr;
}

// The task may compute for long, so a standby is needed. A woken follower becomes it when it parks again.
void thread_pool::before_task_in_handler() noexcept {
    had_events_.store(true, std::memory_order_relaxed);
    if (wants_standby_.load(std::memory_order_relaxed)) return;
    worker* follower = nullptr;
    {
        const std::lock_guard hold(sleepers_mutex_);
        wants_standby_.store(true, std::memory_order_relaxed);
        follower = remove_follower_locked();
    }
    if (follower != nullptr) unpark(*follower);
}

void thread_pool::unpark(worker& w) noexcept {
    if (this_thread_worker == &w)
        w.spot.unpark_self();
    else
        w.spot.unpark();
}

void thread_pool::wake_one() noexcept {
    worker* chosen = nullptr;
    {
        const std::lock_guard hold(sleepers_mutex_);
        // A follower first: waking the leader also requires waking a new leader.
        chosen = remove_follower_locked();
        if (chosen == nullptr) {
            if (sleepers_.empty()) return;
            chosen = sleepers_.front();
            remove_sleeper_locked(*chosen);
        }
    }
    unpark(*chosen);
}

// Called when the earliest deadline has moved forward or the reactor was created. Without a leader, wakes any sleeping
// worker, which becomes the leader when it parks next.
void thread_pool::wake_leader() noexcept {
    worker* leader = nullptr;
    {
        const std::lock_guard hold(sleepers_mutex_);
        leader = leader_ != nullptr ? leader_ : sleepers_.empty() ? nullptr : sleepers_.back();
        if (leader == nullptr) return;
        if (leader == this_thread_worker) return;  // in a handler: it reads the next deadline before it sleeps again
        remove_sleeper_locked(*leader);
    }
    unpark(*leader);
}

void thread_pool::wake_all() noexcept {
    const std::lock_guard hold(sleepers_mutex_);
    for (auto& w : workers_)
        w->spot.unpark();
}

}  // namespace cadre::detail
