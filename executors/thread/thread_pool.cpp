#include "thread_pool.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <pthread.h>
#include <sched.h>

#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/executors/thread.hpp>

namespace cadre::detail {

namespace {

// How often, in such looks at everything, a worker takes its own oldest item: rarely, because that costs a heavy fence.
constexpr unsigned oldest_interval = 64;
constexpr std::chrono::milliseconds old_fork_interval{10};
// Rounds of looking around before sleeping; some microseconds, less than what a sleep and a wake cost.
constexpr int idle_rounds = 200;
// How many handlers of events a busy worker runs when it looks.
constexpr unsigned reactor_budget = 61;
// How often the deputy looks: how late events may be because of a task that computes inside a handler.
constexpr std::chrono::milliseconds standby_interval{5};

void pin_this_thread(int cpu) noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

}  // namespace

class thread_pool::worker final : public local_worker {
public:
    worker(thread_pool& pool, std::size_t index)
        : local_worker(&pool, index), pool_(pool), random_(index * 2654435761u + 1) {
        watch_sleepers(pool.sleeping_);
    }
    void defer(work_item* item) noexcept override {
        item->next = nullptr;
        pool_.inject(item, item);
        wake_one();  // this thread takes it after what is queued now, unless a sleeper can
    }
    [[nodiscard]] bool waits_for_others() noexcept override {
        return others_asleep() + 1 < pool_.workers_.size() && deque().empty() &&
               !pool_.injected_.load(std::memory_order_relaxed);
    }
    /// Whether to run its own oldest item before its newest. A fork only after a while: what was forked first is the largest,
    /// and memory grows with what has begun.
    [[nodiscard]] bool oldest_is_due() noexcept {
        const runnable oldest = deque().oldest();
        if (oldest.task() == nullptr) return oldest.item() != nullptr;
        const auto now = std::chrono::steady_clock::now();
        if (now < next_old_fork_) return false;
        next_old_fork_ = now + old_fork_interval;
        return true;
    }
    /// xorshift (Marsaglia, J. Stat. Soft. 2003): which victim to try first.
    [[nodiscard]] std::size_t random() noexcept {
        random_ ^= random_ << 13;
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        return random_;
    }

    parking_place place;
    using local_worker::look_around;
    unsigned rounds = 0;
    bool handling = false;  // runs handlers of events, and tasks that they resume, as one of the sleepers
    bool listed = false;  // in sleepers_; under its mutex

private:
    [[nodiscard]] std::size_t others_asleep() const noexcept {
        const std::size_t all = pool_.sleeping_.load(std::memory_order_relaxed);
        return all - (handling && all != 0 ? 1 : 0);
    }
    // Those who sleep watch the timers and events.
    [[nodiscard]] bool anything_else() noexcept override {
        if (!deque().empty() || pool_.injected_.load(std::memory_order_relaxed)) return true;
        if (others_asleep() != 0) return false;
        const std::optional<steady_time> due = pool_.timers_.empty() ? std::nullopt : pool_.timers_.next();
        return pool_.place_.get() != nullptr || (due && *due <= std::chrono::steady_clock::now());
    }
    void wake_one() noexcept override {
        light_fence();
        if (pool_.sleeping_.load(std::memory_order_relaxed) != 0) pool_.wake_one();
    }
    thread_pool& pool_;
    std::size_t random_;
    std::chrono::steady_clock::time_point next_old_fork_ = std::chrono::steady_clock::now() + old_fork_interval;
};

std::shared_ptr<thread_pool> thread_pool::make(std::size_t workers, std::string name, const cpu_list& affinity) {
    std::shared_ptr<thread_pool> pool(new thread_pool(workers, std::move(name)), &release);
    pool->start(affinity);
    return pool;
}

thread_pool::thread_pool(std::size_t workers, std::string name) : name_(std::move(name)) {
    for (std::size_t i = 0; i < workers; ++i)
        workers_.push_back(std::make_unique<worker>(*this, i));
    sleepers_.reserve(workers);
}

thread_pool::~thread_pool() = default;

void thread_pool::start(const cpu_list& affinity) {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        threads_.emplace_back([this, i, cpu = affinity.cpu_of(i)] { run(*workers_[i], cpu); });
        const std::string thread_name = (name_.empty() ? "cadre" : name_).substr(0, 15);
        ::pthread_setname_np(threads_.back().native_handle(), thread_name.c_str());
    }
}

// The last handle is gone, so no task lives here. Usually some other thread drops it, and joins. If one of our own threads
// does (a task's last act), a helper thread joins instead.
void thread_pool::release(thread_pool* pool) noexcept {
    const auto end = [pool] {
        pool->closing_.store(true, std::memory_order_seq_cst);
        pool->wake_all();
        for (std::thread& t : pool->threads_)
            t.join();
        while (pool->users_.load(std::memory_order_acquire) != 0)
            std::this_thread::yield();
        delete pool;
    };
    if (worker_of(pool) == nullptr)
        end();
    else
        std::thread(end).detach();
}

void thread_pool::submit(std::span<work_item* const> items) noexcept {
    if (items.empty()) return;
    // Nothing lands above a fork: it would have to wait until all the forks of a computation have ended that may never end.
    if (local_worker* own = worker_of(this); own != nullptr && own->deque().newest().task() == nullptr) {
        own->fork(items.size(), [&](std::size_t i) { return runnable(items[i]); });
        return;
    }
    users_.fetch_add(1, std::memory_order_relaxed);
    for (std::size_t i = 0; i + 1 < items.size(); ++i)
        items[i]->next = items[i + 1];
    items.back()->next = nullptr;
    inject(items.front(), items.back());
    full_fence();  // pairs with the heavy fence of a worker that goes to sleep
    const std::size_t wakes = std::min<std::size_t>(items.size(), sleeping_.load(std::memory_order_relaxed));
    for (std::size_t i = 0; i < wakes; ++i)
        wake_one();
    users_.fetch_sub(1, std::memory_order_release);
}

void thread_pool::inject(work_item* first, work_item* last) noexcept {
    const std::lock_guard hold(injected_mutex_);
    (injected_tail_ != nullptr ? injected_tail_->next : injected_head_) = first;
    injected_tail_ = last;
    injected_.store(true, std::memory_order_release);
}

work_item* thread_pool::take_injected() noexcept {
    if (!injected_.load(std::memory_order_acquire)) return nullptr;
    const std::lock_guard hold(injected_mutex_);
    work_item* item = injected_head_;
    if (item == nullptr) return nullptr;
    injected_head_ = item->next;
    if (injected_head_ == nullptr) {
        injected_tail_ = nullptr;
        injected_.store(false, std::memory_order_release);
    }
    return item;
}

runnable thread_pool::find(worker& self) noexcept {
    if (self.look_around()) {
        if (!timers_.empty()) timers_.fire_due(std::chrono::steady_clock::now());
        if (reactor* events = place_.get(); events != nullptr) reactor_lease(*events, this).poll(reactor_budget);
        if (work_item* item = take_injected(); item != nullptr) return runnable(item);
        if (++self.rounds % oldest_interval == 0 && self.oldest_is_due())
            if (const runnable oldest = self.deque().steal(); oldest) return oldest;
    }
    if (const runnable item = self.deque().pop(); item) return item;
    if (work_item* item = take_injected(); item != nullptr) return runnable(item);
    return steal(self);
}

runnable thread_pool::steal(worker& self) noexcept {
    const std::size_t n = workers_.size();
    const std::size_t start = self.random() % n;
    for (std::size_t i = 0; i < n; ++i) {
        worker& victim = *workers_[(start + i) % n];
        if (&victim == &self) continue;
        if (const runnable item = victim.deque().steal(); item) {
            // A fork wakes one sleeper, however many it forks: who comes and finds more than it takes wakes the next.
            if (sleeping_.load(std::memory_order_relaxed) != 0 && !victim.deque().empty()) wake_one();
            return item;
        }
    }
    return {};
}

bool thread_pool::anything_to_do() const noexcept {
    return injected_.load(std::memory_order_acquire) || closing_.load(std::memory_order_acquire) ||
           std::ranges::any_of(workers_, [](const auto& w) { return !w->deque().empty(); });
}

bool thread_pool::look_longer() const noexcept {
    for (int i = 0; i < idle_rounds; ++i) {
        if (anything_to_do()) return true;
        cpu_relax();
    }
    return false;
}

void thread_pool::run(worker& self, int cpu) {
    if (cpu >= 0) pin_this_thread(cpu);
    this_thread_worker = &self;
    for (;;) {
        const runnable item = find(self);
        if (!item) {
            if (!timers_.empty() && timers_.fire_due(std::chrono::steady_clock::now())) continue;
            if (closing_.load(std::memory_order_acquire)) break;
            if (!look_longer()) sleep(self);
            continue;
        }
        item.run();
        set_current_environment(nullptr);
    }
    this_thread_worker = nullptr;
}

void thread_pool::sleep(worker& self) noexcept {
    bool leader = false;
    {
        const std::lock_guard hold(sleepers_mutex_);
        self.listed = true;
        sleepers_.push_back(&self);
        sleeping_.fetch_add(1, std::memory_order_seq_cst);
        if (leader_ == nullptr) {
            leader_ = &self;
            leader = true;
        }
    }
    heavy_fence();
    if (!anything_to_do()) {
        reactor* const events = place_.get();
        if (events == nullptr)
            self.place.park(leader ? timers_.next() : std::nullopt);
        else if (leader)
            sleep_in_reactor(self, *events);
        else
            wait_as_follower(self);
    }
    worker* successor = nullptr;
    {
        const std::lock_guard hold(sleepers_mutex_);
        if (self.listed) {
            self.listed = false;
            std::erase(sleepers_, &self);
            sleeping_.fetch_sub(1, std::memory_order_seq_cst);
        }
        if (leader_ == &self) {
            leader_ = nullptr;
            // Somebody who sleeps must watch the deadlines and events while this one works.
            const bool events = place_.get() != nullptr && standby_ == nullptr;
            if ((!timers_.empty() || events) && !sleepers_.empty()) {
                successor = sleepers_.back();
                sleepers_.pop_back();
                successor->listed = false;
                sleeping_.fetch_sub(1, std::memory_order_seq_cst);
            }
        }
    }
    if (successor != nullptr) unpark(*successor);
}

// Stays among the sleepers while handlers run: they are mostly short, and whoever needs a worker meanwhile says so.
void thread_pool::sleep_in_reactor(worker& self, reactor& events) noexcept {
    if (!self.place.go_in(events)) return;
    bool busy = false;
    self.handling = true;
    {
        const auto note = [](void* pool) noexcept { static_cast<thread_pool*>(pool)->note_event(); };
        reactor_lease visit(events, this, {.before = note, .context = this});
        busy = !visit;
        while (visit && visit.run_one(timers_.empty() ? std::nullopt : timers_.next()))
            if (self.place.woken() || anything_to_do()) break;
    }
    self.handling = false;
    self.place.come_out();
    // Another worker is in a handler that is not a task's: it will be through before it pays to be told.
    if (busy) self.place.park(std::chrono::steady_clock::now() + std::chrono::milliseconds(1));
}

// A sleeper that is not the keeper. As the deputy it sleeps for a while only, and if nobody looks at the events then, the next
// one to lie down, which is the deputy, is the keeper.
void thread_pool::wait_as_follower(worker& self) noexcept {
    bool standby = false;
    {
        const std::lock_guard hold(sleepers_mutex_);
        if (watched_.load(std::memory_order_relaxed) && standby_ == nullptr && self.listed) {
            standby_ = &self;
            standby = true;
        }
    }
    if (!standby) {
        self.place.park(std::nullopt);
        return;
    }
    const bool woken = self.place.park(std::chrono::steady_clock::now() + standby_interval);
    const std::lock_guard hold(sleepers_mutex_);
    standby_ = nullptr;
    if (woken) return;
    if (!had_events_.exchange(false, std::memory_order_relaxed)) watched_.store(false, std::memory_order_relaxed);
    if (!place_.get()->visited()) leader_ = nullptr;
}

// Before a task runs in a handler: it may compute for long.
void thread_pool::note_event() noexcept {
    had_events_.store(true, std::memory_order_relaxed);
    if (watched_.load(std::memory_order_relaxed)) return;
    worker* chosen = nullptr;
    {
        const std::lock_guard hold(sleepers_mutex_);
        watched_.store(true, std::memory_order_relaxed);
        const auto at = std::ranges::find_if(sleepers_, [this](const worker* w) { return w != leader_; });
        if (at == sleepers_.end()) return;  // the next one to lie down is it
        chosen = *at;
        sleepers_.erase(at);
        chosen->listed = false;
        sleeping_.fetch_sub(1, std::memory_order_seq_cst);
    }
    unpark(*chosen);
}

void thread_pool::unpark(worker& w) noexcept {
    if (this_thread_worker == &w)
        w.place.unpark_self();
    else
        w.place.unpark();
}

void thread_pool::wake_one() noexcept {
    worker* chosen = nullptr;
    {
        const std::lock_guard hold(sleepers_mutex_);
        if (sleepers_.empty()) return;
        // The keeper last: waking it costs a second wake, of its successor.
        auto at = std::ranges::find_if(sleepers_, [this](const worker* w) { return w != leader_; });
        if (at == sleepers_.end()) at = sleepers_.begin();
        chosen = *at;
        sleepers_.erase(at);
        chosen->listed = false;
        sleeping_.fetch_sub(1, std::memory_order_seq_cst);
    }
    unpark(*chosen);
}

// A new earliest deadline. Without a keeper any sleeper will do: it becomes the keeper when it lies down again.
void thread_pool::wake_leader() noexcept {
    worker* leader = nullptr;
    {
        const std::lock_guard hold(sleepers_mutex_);
        leader = leader_ != nullptr ? leader_ : sleepers_.empty() ? nullptr : sleepers_.back();
        if (leader == nullptr) return;
        if (leader == this_thread_worker) return;  // in a handler: it looks before it sleeps again
        if (leader->listed) {
            leader->listed = false;
            std::erase(sleepers_, leader);
            sleeping_.fetch_sub(1, std::memory_order_seq_cst);
        }
    }
    unpark(*leader);
}

void* thread_pool::query(const std::type_info& extension) noexcept {
    return extension == typeid(reactor_holder) ? static_cast<reactor_holder*>(&place_) : nullptr;
}

void thread_pool::wake_all() noexcept {
    const std::lock_guard hold(sleepers_mutex_);
    for (auto& w : workers_)
        w->place.unpark();
}

}  // namespace cadre::detail

namespace cadre {

executor make_thread_executor(const thread_options& options) {
    const auto workers = static_cast<std::size_t>(detail::resolve_workers(options.workers));
    return executor(detail::thread_pool::make(workers, options.name.empty() ? "thread" : std::string(options.name),
                                              options.affinity));
}

thread_executor::thread_executor(const thread_options& options) : local_executor(make_thread_executor(options)) {}

}  // namespace cadre
