#include <cadre/detail/work_registry.hpp>

#include <utility>

namespace cadre::detail {

bool work_registry::enter(work_root& root) noexcept {
    const std::lock_guard hold(mutex_);
    if (closed_) return false;
    ++entered_;
    ++live_;
    root.prev = nullptr;
    root.next = head_;
    if (head_ != nullptr) head_->prev = &root;
    head_ = &root;
    return true;
}

void work_registry::leave(work_root& root) noexcept {
    std::vector<std::function<void()>> call;
    {
        const std::lock_guard hold(mutex_);
        (root.prev != nullptr ? root.prev->next : head_) = root.next;
        if (root.next != nullptr) root.next->prev = root.prev;
        if (--live_ == 0) call = std::exchange(on_empty_, {});
    }
    for (auto& f : call) f();
}

void work_registry::request_stop(stop_reason why) noexcept {
    // The lock keeps every root alive while its stop state fires. Lock order: registry, then stop tree.
    const std::lock_guard hold(mutex_);
    for (work_root* root = head_; root != nullptr; root = root->next)
        if (root->stop != nullptr) root->stop->request_stop(why);
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

}  // namespace cadre::detail
