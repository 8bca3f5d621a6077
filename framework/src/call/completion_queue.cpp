#include <cadre/detail/call/completion_queue.hpp>

#include <utility>

namespace cadre::detail {

void completion_queue::push(node& completed) noexcept {
    completed.next_completed = nullptr;
    waiter* w = nullptr;
    {
        const std::lock_guard hold(mutex_);
        (last_ != nullptr ? last_->next_completed : first_) = &completed;
        last_ = &completed;
        w = std::exchange(waiting_, nullptr);
    }
    if (w != nullptr) w->finish();
}

completion_queue::node* completion_queue::try_take() noexcept {
    const std::lock_guard hold(mutex_);
    last_ = nullptr;
    return std::exchange(first_, nullptr);
}

bool completion_queue::wait(waiter& w, std::coroutine_handle<> h, environment* env) noexcept {
    w.prepare(h, env, nullptr);
    {
        const std::lock_guard hold(mutex_);
        if (first_ != nullptr) return false;
        waiting_ = &w;
    }
    return w.commit();
}

}  // namespace cadre::detail
