#include <cadre/detail/task/stream_promise.hpp>

#include <cadre/detail/scheduler/local_worker.hpp>

namespace cadre::detail {

namespace {

// The stream whose `next` is resuming its body on this thread, until the body hands over an element. Such a hand-over
// needs no atomic read-modify-write: no other thread knows of the waiter yet.
constinit thread_local const stream_promise_base* resuming_here = nullptr;

}  // namespace

stream_promise_base::stream_promise_base() noexcept {
    if (const environment* maker = current_environment(); maker != nullptr) stop_.follow(maker->stop);
    env_.stop = &stop_;
}

// The body runs at the home of its consumer.
void stream_promise_base::settle_at(const environment& consumer) {
    if (env_.home == consumer.home) return;
    env_.home = consumer.home;
    home_ = consumer.home->weak_from_this().lock();
    if (env_.info != nullptr) return;
    if (consumer.info != nullptr) info_ = *consumer.info;
    env_.info = &info_;
}

bool stream_promise_base::next(std::coroutine_handle<> body, stream_wait& wait, std::coroutine_handle<> consumer,
                               environment* consumer_env) noexcept {
    wait.from = this;
    wait.prepare(consumer, consumer_env, &cancel, wait_kind::element);
    if (state_.load(std::memory_order_acquire) == idle_word) {
        settle_at(*consumer_env);
        state_.store(word_of(wait), std::memory_order_release);
        const stream_promise_base* const outer = std::exchange(resuming_here, this);
        set_current_environment(&env_);
        body.resume();
        set_current_environment(consumer_env);
        if (std::exchange(resuming_here, outer) == nullptr) return make_way(wait);
    } else if (std::uintptr_t running = running_word;
               !state_.compare_exchange_strong(running, word_of(wait), std::memory_order_acq_rel)) {
        return false;  // the element has arrived meanwhile
    }
    return wait.finished() ? make_way(wait) : wait.commit();
}

// If the body is asked to stop too, the wait ends with the body, which may refer to what the consumer owns.
void stream_promise_base::cancel(waiter& w) noexcept {
    stream_promise_base& self = *static_cast<stream_wait&>(w).from;
    if (self.stop_.stop_requested()) return;
    std::uintptr_t waiting = word_of(w);
    if (self.state_.compare_exchange_strong(waiting, running_word, std::memory_order_acq_rel)) w.finish_cancelled();
}

// The body is suspended. After the exchange another thread may resume or destroy it.
void stream_promise_base::hand_over(std::coroutine_handle<> body) noexcept {
    if (resuming_here == this) {
        resuming_here = nullptr;
        state_.store(idle_word, std::memory_order_release);
        return;
    }
    std::uintptr_t before = state_.load(std::memory_order_acquire);
    do {
        if (before == dropped_word) return destroy_dropped(body);
    } while (!state_.compare_exchange_weak(before, idle_word, std::memory_order_acq_rel));
    if (before != running_word) reinterpret_cast<waiter*>(before)->finish();
}

bool stream_promise_base::leave() noexcept {
    if (idle()) return false;
    root_.stop = &stop_;
    registered_ = env_.home->registry().enter_remainder(root_);
    stop_.request_stop();
    std::uintptr_t running = running_word;
    if (state_.compare_exchange_strong(running, dropped_word, std::memory_order_acq_rel)) return true;
    if (registered_) const work_end end(env_.home->registry(), root_);
    return false;
}

void stream_promise_base::destroy_dropped(std::coroutine_handle<> body) noexcept {
    const std::shared_ptr<executor_backend> home = std::move(home_);  // the frame may hold the last other handle
    if (!registered_) {
        body.destroy();
    } else {
        // The root is part of the body's frame. Another root keeps a shutdown from completing while the locals of the
        // body are destroyed.
        work_registry& registry = env_.home->registry();
        work_root unwinding;
        registry.enter_part(unwinding);
        {
            const work_end end(registry, root_);
        }
        body.destroy();
        const work_end end(registry, unwinding);
    }
    set_current_environment(nullptr);
}

}  // namespace cadre::detail
