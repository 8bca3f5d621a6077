#include <cadre/detail/call/completion_queue.hpp>

#include <utility>

namespace cadre::detail {

void completion_queue::arrive(std::size_t number) {
    waiter* w = nullptr;
    {
        const std::lock_guard hold(mutex_);
        arrived_.push_back(number);
        w = std::exchange(waiting_, nullptr);
    }
    if (w != nullptr) w->finish();
}

bool completion_queue::wait(waiter& w, std::coroutine_handle<> h, environment* env) noexcept {
    w.prepare(h, env, [](waiter&) noexcept {});
    {
        const std::lock_guard hold(mutex_);
        if (!arrived_.empty()) return false;
        waiting_ = &w;
    }
    return w.commit();
}

std::size_t completion_queue::take() {
    const std::lock_guard hold(mutex_);
    const std::size_t number = arrived_.front();
    arrived_.pop_front();
    return number;
}

}  // namespace cadre::detail
