#include <cadre/detail/scheduler/work_registry.hpp>

#include <algorithm>
#include <cstddef>
#include <thread>
#include <utility>

namespace cadre::detail {

namespace {

// The registry of which this thread is between `begin_leave` and `finish_leave`.
thread_local work_registry* leaving_here = nullptr;

}  // namespace

bool work_registry::enter(work_root& root) noexcept {
    const std::lock_guard hold(mutex_);
    if (closed_) return false;
    ++entered_;
    ++live_;
    roots_.push_front(root);
    return true;
}

void work_registry::enter_part(work_root& root) noexcept {
    const std::lock_guard hold(mutex_);
    ++live_;
    roots_.push_front(root);
}

work_registry::~work_registry() {
    // A notified waiter may drop the executor inside the notification: then this thread does not wait for itself.
    const unsigned own = std::exchange(leaving_here, leaving_here == this ? nullptr : leaving_here) == this ? 1 : 0;
    while (leaving_.load(std::memory_order_acquire) > own)
        std::this_thread::yield();
}

void work_registry::begin_leave(work_root& root) noexcept {
    leaving_.fetch_add(1, std::memory_order_relaxed);
    leaving_here = this;
    const std::lock_guard hold(mutex_);
    roots_.remove(root);
}

void work_registry::finish_leave() noexcept {
    if (std::exchange(leaving_here, nullptr) != this) return;  // destroyed in between, by this thread
    std::vector<std::function<void()>> call;
    {
        const std::lock_guard hold(mutex_);
        if (--live_ == 0) call = std::exchange(on_empty_, {});
    }
    for (auto& f : call)
        f();
    leaving_.fetch_sub(1, std::memory_order_release);  // the last access
}

void work_registry::request_stop(stop_reason why) noexcept {
    // The lock keeps every root alive while its stop state fires. Lock order: registry, then stop tree.
    const std::lock_guard hold(mutex_);
    for (const work_root& root : roots_)
        if (root.stop != nullptr) root.stop->request_stop(why);
}

void work_registry::close(std::function<void()> on_empty) {
    {
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
    const std::lock_guard hold(mutex_);
    return closed_;
}

std::uint64_t work_registry::entered() const noexcept {
    const std::lock_guard hold(mutex_);
    return entered_;
}

std::uint64_t work_registry::live() const noexcept {
    const std::lock_guard hold(mutex_);
    return live_;
}

std::vector<std::string> work_registry::names(std::size_t most) const {
    std::vector<std::string> newest_first;
    {
        const std::lock_guard hold(mutex_);
        for (const work_root& root : roots_)
            newest_first.push_back(root.name != nullptr ? *root.name : std::string());
    }
    const std::size_t count = std::min(most, newest_first.size());
    return {newest_first.rbegin(), newest_first.rbegin() + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace cadre::detail
