#include <cadre/detail/asio/asio_wait.hpp>

#include <thread>
#include <utility>

#include <boost/asio/cancellation_type.hpp>

#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/detail/scheduler/reactor.hpp>

namespace cadre::detail {

namespace {

constexpr unsigned signals_kept = 256;
constexpr unsigned spins_before_yield = 64;

/// The handler of an unused signal: it replaces the handler of the last operation and keeps its memory.
struct do_nothing {
    void operator()(boost::asio::cancellation_type) const noexcept {}
};

struct signal_cache {
    asio_signal* head = nullptr;
    unsigned count = 0;
    bool finished = false;  // the thread is ending
    ~signal_cache() {
        finished = true;
        while (head != nullptr)
            delete std::exchange(head, head->next);
    }
};

thread_local signal_cache signals;

asio_signal* take_signal() {
    signal_cache& cache = signals;
    asio_signal* s = cache.head;
    if (s == nullptr) return new asio_signal;
    cache.head = s->next;
    --cache.count;
    return s;
}

void give_back(asio_signal* s) noexcept {
    signal_cache& cache = signals;
    if (cache.finished || cache.count == signals_kept) {
        delete s;
        return;
    }
    if (s->signal.slot().has_handler()) s->signal.slot().emplace<do_nothing>();
    s->next = cache.head;
    cache.head = s;
    ++cache.count;
}

}  // namespace

asio_wait::~asio_wait() {
    if (signal_ != nullptr) give_back(signal_);
}

bool asio_wait::arm(std::coroutine_handle<> task, environment* environment_of_task) {
    task_ = task;
    env = environment_of_task;
    run = &resume;
    if (env->stop != nullptr && env->stop->stop_requested()) {
        refused_ = true;
        return false;
    }
    signal_ = take_signal();
    holds_.store(2, std::memory_order_relaxed);  // the operation and its start
    return true;
}

bool asio_wait::commit() noexcept {
    if (env->stop != nullptr) {
        stop_listener_.self = this;
        stop_listener_.fire = &on_stop;
        listening_ = true;
        env->stop->add(stop_listener_);
    }
    return holds_.fetch_sub(1, std::memory_order_acq_rel) != 1;
}

void asio_wait::settle() noexcept {
    if (!listening_) return;
    env->stop->remove(stop_listener_);
    listening_ = false;
}

void asio_wait::enter() noexcept {
    const void* const me = &this_thread_environment;
    if (owner_.load(std::memory_order_relaxed) == me) {
        ++depth_;
        return;
    }
    for (unsigned spins = 0;; ++spins) {
        const void* none = nullptr;
        if (owner_.compare_exchange_weak(none, me, std::memory_order_acquire, std::memory_order_relaxed)) break;
        if (spins >= spins_before_yield) std::this_thread::yield();
    }
    depth_ = 1;
}

void asio_wait::leave() noexcept {
    if (--depth_ != 0) return;
    const bool notify = ended_ && !std::exchange(notified_, ended_);
    owner_.store(nullptr, std::memory_order_release);
    if (notify) release();
}

void asio_wait::release() noexcept {
    if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1 && !reactor_lease::resume_here(*this)) post_home(*this);
}

void asio_wait::resume(work_item* item) noexcept {
    auto* self = static_cast<asio_wait*>(item);
    set_current_environment(self->env);
    self->task_.resume();
}

// Runs with the lock of the stop tree held: only posts. The listener is registered until the task has resumed, so the wait may
// have ended: then `holds_` is zero.
void asio_wait::on_stop(stop_node* node, stop_reason) noexcept {
    asio_wait& self = *static_cast<stop_listener*>(node)->self;
    if (std::exchange(self.requested_, true)) return;
    unsigned holds = self.holds_.load(std::memory_order_relaxed);
    do
        if (holds == 0) return;
    while (!self.holds_.compare_exchange_weak(holds, holds + 1, std::memory_order_acq_rel));
    self.emission_.self = &self;
    self.emission_.env = self.env;
    self.emission_.run = &emit;
    post_home(self.emission_);
}

void asio_wait::emit(work_item* item) noexcept {
    asio_wait& self = *static_cast<emission*>(item)->self;
    self.enter();
    if (!self.ended_) {
        self.emitted_ = true;
        self.signal_->signal.emit(boost::asio::cancellation_type::terminal | boost::asio::cancellation_type::partial |
                                  boost::asio::cancellation_type::total);
    }
    self.leave();
    self.release();
}

}  // namespace cadre::detail
