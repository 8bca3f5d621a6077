#include <cadre/detail/scheduler/run_loop.hpp>

#include <chrono>
#include <utility>

#include "loop_control.hpp"
#include "loop_driver_set.hpp"
#include "traced_run.hpp"

#include <cadre/detail/scheduler/resume_item.hpp>

namespace cadre::detail {

namespace {

std::atomic<running_hook> hook{nullptr};

// How many handlers of events a busy loop runs in a full poll.
constexpr unsigned reactor_budget = 61;

}  // namespace

void set_running_hook(running_hook h) noexcept { hook.store(h, std::memory_order_release); }

std::shared_ptr<run_loop> run_loop::make(std::string name, const loop_options& options) {
    return std::shared_ptr<run_loop>(new run_loop(std::move(name), options), [](run_loop* loop) { loop->unpin(); });
}

run_loop::run_loop(std::string name, const loop_options& options) : local_worker(this, 0), name_(std::move(name)) {
    if (options.virtual_time || options.seed) take_control(options);
    loop_driver_set::instance().add(*this);
}

run_loop::~run_loop() {
    report_stopped();
    loop_driver_set::instance().remove(*this);
}

bool run_loop::pin() noexcept {
    unsigned n = pins_.load(std::memory_order_relaxed);
    while (n != 0)
        if (pins_.compare_exchange_weak(n, n + 1, std::memory_order_acq_rel)) return true;
    return false;
}

void run_loop::unpin() noexcept {
    if (pins_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void run_loop::loop_timers::earlier(steady_time /*when*/) noexcept { wake_loop_drivers(); }
void run_loop::loop_reactor_holder::made() noexcept { wake_loop_drivers(); }

void* run_loop::query(const std::type_info& extension) noexcept {
    if (extension == typeid(reactor_holder)) return static_cast<reactor_holder*>(&reactor_);
    static constinit repeatable_order order;
    return control_ != nullptr && extension == typeid(repeatable_order) ? &order : nullptr;
}

// With a running hook, or a trace, a handler must not resume a task directly: every task passes through `run`.
const executor_backend* run_loop::resuming_home() const noexcept {
    return hook.load(std::memory_order_relaxed) == nullptr && control_ == nullptr && !tracing() ? this : nullptr;
}

run_loop::entered::entered(run_loop& loop) noexcept
    : outer_worker_(std::exchange(this_thread_worker, static_cast<local_worker*>(&loop))),
      outer_environment_(std::exchange(this_thread_environment, nullptr)),
      outer_waits_(std::exchange(this_thread_waits, loop.control_ == nullptr ? nullptr : &loop.control_->waits)) {}

run_loop::entered::~entered() {
    this_thread_waits = outer_waits_;
    set_current_environment(outer_environment_);
    this_thread_worker = outer_worker_;
}

// All items at once: a submitted item may run at once and drop the last handle of the loop before this returns.
void run_loop::submit(std::span<work_item* const> items) noexcept {
    if (items.empty()) return;
    const bool by_driver = worker_of(this) != nullptr;
    for (std::size_t i = items.size() - 1; i != 0; --i)
        items[i]->next = items[i - 1];
    work_item* head = nullptr;  // most often; reading it first would cost one more transfer of the cache line
    do
        items.front()->next = head;
    while (!inbox_.compare_exchange_weak(head, items.back(), std::memory_order_seq_cst, std::memory_order_relaxed));
    // The driver polls the inbox itself.
    if (by_driver)
        reactor_lease::leave_soon();
    else
        loop_driver_set::instance().wake();
}

void run_loop::defer(work_item* item) noexcept {
    drain_inbox();
    queue_.push_back(*item);
}

// Polls one item only: a task that waits for many calls one after the other gets their answers through the inbox, with
// fewer polls.
bool run_loop::expect(polled_item& item) noexcept {
    if (!polling_ || expected_ != nullptr || has_items()) return false;
    expected_ = &item;
    return true;
}

void run_loop::expect_no_more(polled_item& item) noexcept {
    if (expected_ == &item) expected_ = nullptr;
}

void run_loop::end_polling() noexcept {
    polling_ = false;
    polled_item* const item = std::exchange(expected_, nullptr);
    if (item == nullptr || !item->stop_polling()) return;
    queue_.push_back(*item);
    queued_.store(true, std::memory_order_release);
}

void run_loop::drain_inbox() noexcept {
    if (expected_ != nullptr && expected_->completed()) queue_.push_back(*std::exchange(expected_, nullptr));
    if (inbox_.load(std::memory_order_relaxed) == nullptr) return;
    work_item_queue arrived;
    for (work_item* item = inbox_.exchange(nullptr, std::memory_order_acquire); item != nullptr;) {
        work_item* const older = item->next;
        arrived.push_front(*item);
        item = older;
    }
    queue_.splice_back(std::move(arrived));
}

runnable run_loop::take(bool oldest) noexcept {
    // An answer that runs next in any case is not linked into the queue: that would write to the line that the
    // answering thread has written.
    if (expected_ != nullptr && queue_.empty() && deque().empty() && expected_->completed())
        return runnable(std::exchange(expected_, nullptr));
    drain_inbox();
    if (!oldest)
        if (const runnable newest = deque().pop(); newest) return newest;
    if (work_item* const item = queue_.pop_front(); item != nullptr) return runnable(item);
    return oldest ? deque().pop() : runnable();
}

namespace {

[[gnu::noinline]] void run_observed(runnable next, running_hook notify) noexcept {
    const traced_run traced(next);
    if (notify != nullptr) {
        const environment* env = next.env();
        notify(env != nullptr && env->info != nullptr ? env->info->id : 0);
    }
    next.run();
    if (notify != nullptr) notify(0);
}

}  // namespace

void run_loop::run(runnable next) noexcept {
    const running_hook notify = hook.load(std::memory_order_relaxed);
    if (notify != nullptr || tracing()) [[unlikely]]
        run_observed(next, notify);
    else
        next.run();
}

bool run_loop::run_some(unsigned budget, bool by_reserver) noexcept {
    if (control_ != nullptr) [[unlikely]]
        return run_controlled(budget, by_reserver);
    const entered inside(*this);
    bool any = !timers_.empty() && timers_.fire_due(std::chrono::steady_clock::now());
    for (unsigned n = 0; n < budget; ++n) {
        const bool full_poll = full_poll_due();
        if (full_poll) {
            if (!timers_.empty()) any |= timers_.fire_due(std::chrono::steady_clock::now());
            if (events() != nullptr) any |= reactor_lease(*events(), resuming_home()).poll(reactor_budget);
        }
        const runnable next = take(full_poll);
        if (!next) break;
        any = true;
        run(next);
        if (!by_reserver && is_reserved()) [[unlikely]]
            break;
    }
    queued_.store(!queue_.empty() || !deque().empty(), std::memory_order_release);
    return any;
}

// `queued_` is not changed while items run.
bool run_loop::ready() const noexcept {
    return !queue_.empty() || has_submitted() || (expected_ != nullptr && expected_->completed());
}

}  // namespace cadre::detail
