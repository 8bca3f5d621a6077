#include <cadre/detail/asio/asio_strand.hpp>

#include <mutex>
#include <span>
#include <utility>

#include <boost/asio/cancellation_type.hpp>

#include <cadre/detail/asio/asio_home.hpp>
#include <cadre/detail/asio/asio_wait.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// The unused strands of one thread. A new strand for each await would cost two allocations: the strand and its slot.
struct asio_strand_cache {
    static constexpr unsigned kept = 256;

    asio_strand* head = nullptr;
    unsigned count = 0;
    bool finished = false;  // the thread is ending

    ~asio_strand_cache() {
        finished = true;
        while (head != nullptr)
            delete std::exchange(head, head->next_);
    }
    [[nodiscard]] asio_strand* take() {
        asio_strand* const s = head;
        if (s == nullptr) return new asio_strand;
        head = s->next_;
        --count;
        s->references_.store(1, std::memory_order_relaxed);
        return s;
    }
    void give_back(asio_strand* s) noexcept {
        if (finished || count == kept) {
            delete s;
            return;
        }
        s->next_ = head;
        head = s;
        ++count;
    }
};

namespace {

/// The handler of an unused signal: it replaces the handler of the last operation and keeps its memory.
struct do_nothing {
    void operator()(boost::asio::cancellation_type) const noexcept {}
};

thread_local asio_strand_cache unused;

std::uintptr_t this_thread_key() noexcept { return reinterpret_cast<std::uintptr_t>(&this_thread_environment); }

}  // namespace

asio_strand* asio_strand::take(executor_backend& home) {
    asio_strand* const s = unused.take();
    // A home that has been destroyed may have had the same address.
    if (s->home_key_ != &home || s->home_.expired()) s->bind(home);
    return s;
}

void asio_strand::bind(executor_backend& home) {
    home_key_ = &home;
    home_ = home.weak_from_this();
    // Such a home belongs to one task and refers to a context that it does not own.
    if (home.query(typeid(boost::asio::execution_context)) != nullptr) kept_home_ = home_.lock();
}

void asio_strand::recycle() noexcept {
    if (kept_home_ != nullptr) {
        home_.reset();
        home_key_ = nullptr;
        kept_home_.reset();
    }
    if (signal_.slot().has_handler()) signal_.slot().emplace<do_nothing>();
    unused.give_back(this);
}

bool asio_strand::try_enter() noexcept {
    const std::uintptr_t me = this_thread_key();
    std::uintptr_t state = state_.load(std::memory_order_relaxed);
    if ((state & ~waiting) == me) {
        ++depth_;
        return true;
    }
    state = 0;
    if (!state_.compare_exchange_strong(state, me, std::memory_order_acquire, std::memory_order_relaxed)) return false;
    depth_ = 1;
    return true;
}

bool asio_strand::enter(asio_step& step) noexcept {
    while (!try_enter()) {
        const std::lock_guard hold(mutex_);
        std::uintptr_t state = state_.load(std::memory_order_relaxed);
        if (state == 0) continue;
        // With the bit set, `leave` of the other thread needs the mutex.
        if ((state & waiting) == 0 &&
            !state_.compare_exchange_strong(state, state | waiting, std::memory_order_relaxed))
            continue;
        waiting_.push_back(step);
        return false;
    }
    return true;
}

void asio_strand::leave() noexcept {
    if (--depth_ != 0) return;
    asio_wait* const ended = std::exchange(ended_, nullptr);
    std::uintptr_t state = this_thread_key();
    if (!state_.compare_exchange_strong(state, 0, std::memory_order_release, std::memory_order_relaxed))
        leave_contended();
    if (ended != nullptr) ended->release();
}

void asio_strand::leave_contended() noexcept {
    work_item_queue steps;
    {
        const std::lock_guard hold(mutex_);
        steps.splice_back(std::move(waiting_));
        state_.store(0, std::memory_order_release);
    }
    while (work_item* const step = steps.pop_front())
        submit(*static_cast<asio_step*>(step));
}

bool asio_strand::at_home() const noexcept {
    if (worker_of(home_key_) != nullptr) return !home_.expired();
    const environment* const here = current_environment();
    return here != nullptr && here->home == home_key_ && !home_.expired();
}

void asio_strand::submit(asio_step& step) noexcept {
    work_item* item = &step;
    if (const auto home = home_.lock(); home != nullptr)
        home->submit(std::span(&item, 1));
    else
        step.discard(&step);
}

boost::asio::execution_context& asio_strand::context() const {
    const auto home = home_.lock();
    if (home == nullptr) throw executor_stopped{};
    return asio_execution_context_of(*home);
}

void asio_strand::emit_cancellation() {
    signal_.emit(boost::asio::cancellation_type::terminal | boost::asio::cancellation_type::partial |
                 boost::asio::cancellation_type::total);
}

}  // namespace cadre::detail
