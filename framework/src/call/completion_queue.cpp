#include <cadre/detail/call/completion_queue.hpp>

#include <utility>

namespace cadre::detail {

void completion_queue::push(node& completed) noexcept {
    waiter* w = nullptr;
    {
        const std::lock_guard hold(mutex_);
        completed_.push_back(completed);
        w = std::exchange(waiting_, nullptr);
    }
    if (w != nullptr) w->finish();
}

completion_queue::nodes completion_queue::try_take() noexcept {
    const std::lock_guard hold(mutex_);
    return std::move(completed_);
}

bool completion_queue::wait(waiter& w, std::coroutine_handle<> h, environment* env) noexcept {
    w.prepare(h, env, nullptr, wait_kind::job);
    {
        const std::lock_guard hold(mutex_);
        if (!completed_.empty()) return false;
        waiting_ = &w;
    }
    return w.commit();
}

}  // namespace cadre::detail
