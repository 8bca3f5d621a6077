#include <cadre/detail/scheduler/work_registry.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/process_owner.hpp"
#include "coroutine/trace.hpp"
#include "work_subject.hpp"

namespace cadre::detail {

namespace {

// The innermost one of this thread.
constinit thread_local work_end* innermost_end = nullptr;

// The first round trips are all measured, later ones at this interval: two clock reads cost half as much as the
// shortest call.
constexpr std::uint64_t always_measured = 1024;
constexpr std::uint64_t measured_interval = 256;

std::int64_t now() noexcept { return std::chrono::steady_clock::now().time_since_epoch().count(); }

}  // namespace

void work_registry::bind_to_process() noexcept {
    const process_owner owner;
    process_word_ = owner.word();
    process_token_ = owner.token();
}

bool work_registry::enter(work_root& root) noexcept {
    if (foreign()) [[unlikely]]
        return false;
    const std::lock_guard hold(mutex_);
    return !closed_ && enter_locked(root);
}

bool work_registry::enter_remainder(work_root& root) noexcept {
    if (foreign()) return false;
    const std::lock_guard hold(mutex_);
    return (!closed_ || live_ != 0) && enter_locked(root);
}

bool work_registry::enter_locked(work_root& root) noexcept {
    if (entered_ == next_measured_) [[unlikely]]
        measure_locked(root);
    ++entered_;
    ++live_;
    roots_.push_front(root);
    return true;
}

void work_registry::enter_part(work_root& root) noexcept {
    if (foreign()) return;
    const std::lock_guard hold(mutex_);
    ++live_;
    roots_.push_front(root);
}

void work_registry::measure_locked(work_root& root) noexcept {
    next_measured_ += entered_ < always_measured ? 1 : measured_interval;
    root.observed_from = now();
    root.measured = true;
}

void work_registry::set_traced(work_root& root) noexcept {
    if (root.observed_from == 0) root.observed_from = now();
    root.traced = true;
}

void work_registry::observe_end(work_root& root) noexcept {
    const std::int64_t from = std::exchange(root.observed_from, 0);
    if (std::exchange(root.traced, false)) trace::left(root.id);
    if (!std::exchange(root.measured, false)) return;
    if (foreign()) return;
    const std::chrono::nanoseconds took(now() - from);
    const std::lock_guard hold(mutex_);
    round_trips_.add(took);
}

work_registry::~work_registry() {
    if (foreign()) return;
    // A notified waiter may drop the executor inside the notification: then this thread does not wait for itself.
    unsigned own = 0;
    for (work_end* end = innermost_end; end != nullptr; end = end->outer_)
        if (end->registry_ == this) {
            end->registry_ = nullptr;
            ++own;
        }
    while (leaving_.load(std::memory_order_acquire) > own)
        std::this_thread::yield();
}

work_end::work_end(work_registry& registry, work_root& root) noexcept
    : registry_(registry.foreign() ? nullptr : &registry), outer_(innermost_end) {
    innermost_end = this;
    if (registry_ == nullptr) [[unlikely]]
        return;
    if (root.observed_from != 0) [[unlikely]]
        registry.observe_end(root);
    registry.leaving_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard hold(registry.mutex_);
    registry.roots_.remove(root);
}

work_end::~work_end() {
    innermost_end = outer_;
    if (registry_ == nullptr) return;
    bool empty = false;
    {
        const std::lock_guard hold(registry_->mutex_);
        empty = registry_->count_end_locked();
    }
    if (empty) registry_->report_empty();
    registry_->leaving_.fetch_sub(1, std::memory_order_release);  // the last access
}

void work_registry::leave(work_root& root) noexcept {
    if (foreign()) [[unlikely]]
        return;
    if (root.observed_from != 0) [[unlikely]]
        observe_end(root);
    bool empty = false;
    {
        const std::lock_guard hold(mutex_);
        roots_.remove(root);
        empty = count_end_locked();
    }
    if (empty) report_empty();
}

// Calls the functions given to `close`, without the lock.
void work_registry::report_empty() noexcept {
    functions call;
    {
        const std::lock_guard hold(mutex_);
        call.swap(on_empty_);
    }
    for (auto& f : call)
        f();
}

void work_registry::request_stop(stop_reason why) noexcept {
    if (foreign()) return;
    // The lock keeps every root alive while its stop state fires. Lock order: registry, then stop tree. Callbacks of
    // tokens are user code, which may start and end work: they run without the lock.
    std::vector<std::stop_source> sources;
    {
        const std::lock_guard hold(mutex_);
        for (const work_root& root : roots_)
            if (root.stop != nullptr) root.stop->mark(why, sources);
    }
    stop_state::call_callbacks(sources);
    const std::lock_guard hold(mutex_);
    for (const work_root& root : roots_)
        if (root.stop != nullptr) root.stop->announce();
}

void work_registry::close(std::function<void()> on_empty) {
    if (!foreign()) {
        const std::lock_guard hold(mutex_);
        closed_ = true;
        if (live_ != 0) {
            if (on_empty) on_empty_.push_back(std::move(on_empty));
            return;
        }
    }
    if (on_empty) on_empty();
}

bool work_registry::closed() const noexcept {
    if (foreign()) return true;
    const std::lock_guard hold(mutex_);
    return closed_;
}

std::uint64_t work_registry::entered() const noexcept {
    if (foreign()) return 0;
    const std::lock_guard hold(mutex_);
    return entered_;
}

std::uint64_t work_registry::live() const noexcept {
    if (foreign()) return 0;
    const std::lock_guard hold(mutex_);
    return live_;
}

duration_histogram work_registry::round_trips() const noexcept {
    if (foreign()) return {};
    const std::lock_guard hold(mutex_);
    return round_trips_;
}

void work_registry::visit(void (*visitor)(const work_root&, void*), void* context) const {
    if (foreign()) return;
    const std::lock_guard hold(mutex_);
    for (const work_root& root : roots_)
        visitor(root, context);
}

std::vector<std::string> work_registry::names(std::size_t max_names) const {
    std::vector<work_subject> newest_first;
    if (!foreign()) {
        const std::lock_guard hold(mutex_);
        for (const work_root& root : roots_)
            newest_first.emplace_back(root);
    }
    std::vector<std::string> names;
    for (std::size_t i = newest_first.size(); i != 0 && names.size() != max_names; --i) {
        const work_subject& work = newest_first[i - 1];
        names.push_back(work.name().empty() ? work.function() : work.name());
    }
    return names;
}

}  // namespace cadre::detail
