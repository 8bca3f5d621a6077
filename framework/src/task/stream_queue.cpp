#include <cadre/detail/task/stream_queue.hpp>

#include <utility>

#include <cadre/detail/scheduler/local_worker.hpp>

namespace cadre::detail {

bool stream_queue_base::wait(awaiter::node& w, std::coroutine_handle<> h, environment* env) noexcept {
    w.prepare(
        h, env, w.awaited_side == side::joiner ? nullptr : +[](waiter& waiting_one) noexcept {
            auto& self = static_cast<awaiter::node&>(waiting_one);
            {
                const std::lock_guard hold(self.queue.mutex_);
                if (self.queue.waiting(self.awaited_side) != &self) return;
                self.queue.waiting(self.awaited_side) = nullptr;
            }
            self.finish_cancelled();
        },
        wait_kind::buffer);
    bool waits = false;
    {
        const std::lock_guard hold(mutex_);
        switch (w.awaited_side) {
            case side::producer: waits = size_ >= capacity_; break;
            case side::consumer: waits = size_ == 0 && !ended_; break;
            case side::joiner: waits = !ended_; break;
        }
        if (waits) waiting(w.awaited_side) = &w;
    }
    if (waits) return w.commit();
    w.finish();
    return make_way(w);
}

void stream_queue_base::set_capacity(std::size_t capacity) noexcept {
    waiter* w = nullptr;
    {
        const std::lock_guard hold(mutex_);
        capacity_ = capacity;
        if (size_ < capacity_) w = std::exchange(waiting(side::producer), nullptr);
    }
    if (w != nullptr) w->finish();
}

void stream_queue_base::end(std::exception_ptr error) noexcept {
    served_waiters served;
    {
        const std::lock_guard hold(mutex_);
        error_ = std::move(error);
        ended_ = true;
        for (const side s : {side::consumer, side::joiner})
            if (waiter* const w = std::exchange(waiting(s), nullptr); w != nullptr) served.add(*w);
    }
    served.finish();
}

}  // namespace cadre::detail
