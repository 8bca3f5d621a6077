#include "thread_pool.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/concurrency.hpp"
#include "pool_worker.hpp"
#include "scheduler/traced_run.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/thread.hpp>

namespace cadre::detail {

namespace {

// The number of full polls after which a worker takes its own oldest item: many, because that costs a heavy fence.
constexpr unsigned oldest_interval = 64;
// Polls before parking; some microseconds, less than a park and a wake cost.
constexpr int idle_polls = 200;
// The number of tasks that a thief takes in addition to the first one.
constexpr std::size_t max_steal = 15;
// The number of event handlers that a busy worker runs in a full poll.
constexpr unsigned reactor_budget = 61;

void pin_this_thread(int cpu) noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

// Moves this thread to a processor of its own, the `index`-th after that of the thread which made the pool, and leaves
// it free to move again: the kernel wakes a thread where it ran last, and balances only after milliseconds.
void spread_this_thread(std::size_t index, int maker_cpu) noexcept {
    cpu_set_t allowed;
    if (::pthread_getaffinity_np(::pthread_self(), sizeof allowed, &allowed) != 0) return;
    const int count = CPU_COUNT(&allowed);
    if (count < 2) return;
    int cpu = std::max(maker_cpu, 0);
    for (std::size_t steps = 1 + index % static_cast<std::size_t>(count); steps != 0; --steps)
        do
            cpu = (cpu + 1) % CPU_SETSIZE;
        while (!CPU_ISSET(static_cast<std::size_t>(cpu), &allowed));
    if (::sched_getcpu() == cpu) return;
    pin_this_thread(cpu);
    ::pthread_setaffinity_np(::pthread_self(), sizeof allowed, &allowed);
}

}  // namespace

std::shared_ptr<thread_pool> thread_pool::make(std::size_t workers, std::string name, const thread_options& options) {
    std::shared_ptr<thread_pool> pool(new thread_pool(workers, std::move(name), options), &release);
    pool->start(options.affinity);
    if (pool->initializer_) pool->wait_for_initializers();
    pool->report_started();
    return pool;
}

thread_pool::thread_pool(std::size_t workers, std::string name, const thread_options& options)
    : name_(std::move(name)), initializer_(options.initializer), finalizer_(options.finalizer) {
    registry().bind_to_process();
    for (std::size_t i = 0; i < workers; ++i)
        workers_.push_back(std::make_unique<worker>(*this, i));
    sleepers_.reserve(workers);
}

thread_pool::~thread_pool() { report_stopped(); }

void thread_pool::start(const cpu_list& affinity) {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        threads_.emplace_back([this, i, cpu = affinity.cpu_of(i), maker = ::sched_getcpu()] {
            if (cpu >= 0)
                pin_this_thread(cpu);
            else
                spread_this_thread(i, maker);
            run(*workers_[i]);
        });
        const std::string thread_name = (name_.empty() ? "cadre" : name_).substr(0, 15);
        ::pthread_setname_np(threads_.back().native_handle(), thread_name.c_str());
    }
}

void thread_pool::wait_for_initializers() {
    std::unique_lock hold(start_mutex_);
    started_.wait(hold, [&] { return initialized_ == threads_.size(); });
    if (start_error_ != nullptr) std::rethrow_exception(start_error_);
}

void thread_pool::run_initializer() noexcept {
    std::exception_ptr error;
    try {
        initializer_();
    } catch (...) {
        error = std::current_exception();
    }
    const std::lock_guard hold(start_mutex_);
    if (start_error_ == nullptr) start_error_ = std::move(error);
    ++initialized_;
    started_.notify_all();
}

void thread_pool::run_finalizer() const noexcept {
    try {
        finalizer_();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "cadre: executor '%s': a finalizer threw: %s\n", name_.c_str(), e.what());
    } catch (...) {
        std::fprintf(stderr, "cadre: executor '%s': a finalizer threw\n", name_.c_str());
    }
}

// The last handle is gone, so no task has this pool as its home. If a task of the pool drops it, the thread of that
// task destroys the pool when the task has returned.
void thread_pool::release(thread_pool* pool) noexcept {
    if (!pool->owner_.here()) return;  // a fork: it has no thread to join
    pool->closing_.store(true, std::memory_order_seq_cst);
    pool->wake_all();
    if (local_worker* const own = worker_of(pool); own != nullptr) {
        pool->threads_[own->index()].detach();
        static_cast<worker*>(own)->destroys_pool = true;
    } else {
        pool->destroy();
    }
}

void thread_pool::destroy() noexcept {
    for (std::thread& t : threads_)
        if (t.joinable()) t.join();
    while (submitters_.load(std::memory_order_acquire) != 0)
        std::this_thread::yield();
    delete this;
}

void* thread_pool::query(const std::type_info& extension) noexcept {
    return extension == typeid(reactor_holder) ? static_cast<reactor_holder*>(&reactor_) : nullptr;
}

void thread_pool::submit(std::span<work_item* const> items) noexcept {
    if (items.empty()) return;
    // An item is not pushed onto a deque that holds forks: it could be delayed for as long as they run.
    if (local_worker* own = worker_of(this); own != nullptr && !own->deque().newest().is_fork()) {
        own->fork(items.size(), [&](std::size_t i) { return runnable(items[i]); });
        return;
    }
    if (items.size() == 1 && hand_over(*items.front())) return;
    submitters_.fetch_add(1, std::memory_order_relaxed);
    injected_.push(items);
    // Ordered after the push, and so with the heavy fence of a worker that parks.
    const std::size_t wakes = std::min<std::size_t>(items.size(), sleeping_.load(std::memory_order_seq_cst));
    for (std::size_t i = 0; i < wakes; ++i)
        wake_one();
    submitters_.fetch_sub(1, std::memory_order_release);
}

// A worker offers when the queue is empty: an item that it has not seen since must not be overtaken.
bool thread_pool::hand_over(work_item& item) noexcept { return injected_.empty() && handed_over_.hand_over(item); }

void thread_pool::inject(work_item& item) noexcept {
    work_item* const one = &item;
    injected_.push(std::span(&one, 1));
}

runnable thread_pool::find(worker& self) noexcept {
    if (self.full_poll_due()) {
        if (!timers_.empty()) timers_.fire_due(std::chrono::steady_clock::now());
        if (reactor* events = reactor_.get(); events != nullptr)
            reactor_lease(*events, resuming_home()).poll(reactor_budget);
        self.deque().watch_thieves();
        if (++self.full_polls % oldest_interval == 0 && self.oldest_is_due())
            if (const runnable oldest = self.deque().steal(); oldest) return oldest;
        if (work_item* item = injected_.pop(); item != nullptr) return runnable(item);
    }
    if (const runnable item = self.deque().pop(); item) return item;
    if (work_item* item = injected_.pop(); item != nullptr) return runnable(item);
    return steal(self);
}

runnable thread_pool::steal(worker& self) noexcept {
    const std::size_t n = workers_.size();
    const std::size_t start = self.random() % n;
    for (std::size_t i = 0; i < n; ++i) {
        worker& victim = *workers_[(start + i) % n];
        if (&victim == &self) continue;
        if (const runnable item = victim.deque().steal(); item) {
            // A fork wakes one sleeper, however many items it pushes. A thief that leaves some behind wakes the next.
            if (sleeping_.load(std::memory_order_relaxed) != 0 && !victim.deque().empty()) wake_one();
            steal_more(self, victim);
            return item;
        }
    }
    return {};
}

// A worker from which items are stolen often has short tasks: the thief steals several at once.
void thread_pool::steal_more(worker& self, worker& victim) noexcept {
    if (!victim.deque().has_frequent_thieves()) return;
    for (std::size_t n = std::min(victim.deque().size() / 2, max_steal); n != 0; --n) {
        const runnable more = victim.deque().steal_from_filled();
        if (!more) return;
        self.fork(more);
    }
}

bool thread_pool::has_work() const noexcept {
    return !injected_.empty() || closing_.load(std::memory_order_acquire) ||
           std::ranges::any_of(workers_, [](const auto& w) { return !w->deque().empty(); });
}

// @return whether there may be work in the queues
bool thread_pool::spin_for_work() noexcept {
    if (!handed_over_.offer()) return poll_for_work();
    work_item* item = nullptr;
    bool found = false;
    for (int i = 0; i < idle_polls && !found; ++i) {
        item = handed_over_.poll();
        if (item != nullptr) break;
        cpu_relax();
        found = has_work();
    }
    if (item == nullptr) item = handed_over_.withdraw();
    if (item == nullptr) return found;
    run_item(runnable(item));
    handed_over_.reset();
    return true;
}

bool thread_pool::poll_for_work() const noexcept {
    for (int i = 0; i < idle_polls; ++i) {
        if (has_work()) return true;
        cpu_relax();
    }
    return false;
}

namespace {

[[gnu::noinline]] void run_traced(runnable item) noexcept {
    const traced_run traced(item);
    item.run();
}

}  // namespace

void thread_pool::run_item(runnable item) noexcept {
    if (tracing()) [[unlikely]]
        run_traced(item);
    else
        item.run();
    set_current_environment(nullptr);
}

namespace {

// A process that a task forked has left the task: its copy of the pool must not run the work of the parent again.
[[noreturn, gnu::noinline]] void end_forked_child() noexcept {
    constexpr std::string_view text =
        "cadre: a process that a task forked left the task and was ended; call _exit in it\n";
    [[maybe_unused]] const auto n = ::write(STDERR_FILENO, text.data(), text.size());
    ::_exit(1);
}

}  // namespace

void thread_pool::run(worker& self) {
    this_thread_worker = &self;
    if (initializer_) run_initializer();
    for (;;) {
        if (!owner_.here()) [[unlikely]]
            end_forked_child();
        const runnable item = find(self);
        if (!item) {
            if (!timers_.empty() && timers_.fire_due(std::chrono::steady_clock::now())) continue;
            if (closing_.load(std::memory_order_acquire)) break;
            if (!spin_for_work()) sleep(self);
            continue;
        }
        run_item(item);
    }
    if (finalizer_) run_finalizer();
    this_thread_worker = nullptr;
    if (self.destroys_pool) destroy();
}

}  // namespace cadre::detail

namespace cadre {

executor make_thread_executor(const thread_options& options) {
    const auto workers = static_cast<std::size_t>(detail::resolve_workers(options.workers));
    detail::check_affinity(options.affinity);
    const std::string name = options.name.empty() ? "thread" : std::string(options.name);
    try {
        return executor(detail::thread_pool::make(workers, name, options));
    } catch (const std::system_error& e) {
        throw config_error("executor '" + name + "': cannot start " + std::to_string(workers) +
                           " threads: " + e.what() + "; choose fewer workers, or raise `ulimit -u`");
    }
}

thread_executor::thread_executor(const thread_options& options) : local_executor(make_thread_executor(options)) {}

}  // namespace cadre
