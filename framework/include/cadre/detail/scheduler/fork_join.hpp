/// @file
/// The join of `when_all` and `when_any`: children are pushed to the worker's deque, run here unless they are
/// stolen, and the last child to end resumes the parent.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/promise.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>

namespace cadre::detail {

/// Waits for a fixed number of children.
///
/// The children are pushed into the deque of the worker that forks them, the *forking worker*; the first child runs at
/// once. A child that ends on the forking worker pops the sibling at the bottom of the deque. That sibling was not
/// stolen: it runs next and inherits the *weight* of its predecessor, the number of ended children that it represents.
/// The child whose weight reaches the number of children resumes the parent directly, so a fork without a theft costs
/// no atomic read-modify-write. Only where such a chain breaks (the sibling was stolen, or other work is above it) is
/// the weight added to a shared counter, and the chain that completes the counter resumes the parent. A weight needs no
/// synchronisation: it is passed along one chain, wherever that chain is resumed.
///
///     word     state  changed by                                      to          order
///     ended_   n      the last child of a broken chain of weight w    n + w       fetch_add, acq_rel
///     first_   null   the first child that decides the outcome        that child  compare-exchange, acq_rel
///
/// The chain that brings `ended_` to the number of children resumes the parent. Release: the results of its own
/// children; acquire: those of the other chains, for the parent. The parent reads `first_` with acquire, after the
/// join.
class join {
public:
    join() noexcept {}
    join(join&&) noexcept {}  // moved only before it is started
    join& operator=(join&&) = delete;

    /// Starts the children, a sized sequence of promises' addresses that is not empty: the first by transfer. With
    /// `stop_on_first` the first end of any kind decides, else the first failure. @return the coroutine to resume
    template <class Children>
    [[nodiscard, gnu::always_inline]] std::coroutine_handle<> start(std::coroutine_handle<> parent,
                                                                    environment* parent_env, const Children& children,
                                                                    bool stop_on_first = false) noexcept {
        const std::size_t forked = children.size() - 1;
        parent_ = parent.address();
        parent_env_ = parent_env;
        count_ = static_cast<std::uint32_t>(children.size());
        std::construct_at(&env_, environment{parent_env->home, parent_env->info, &stop_});
        stop_.adopt(parent_env->stop);
        const auto attached = [&](std::size_t i) {
            promise_base* const child = children[i];
            child->attach(&env_, *this, stop_on_first);
            return child;
        };
        promise_base* const first = attached(0);
        forking_worker_ = this_thread_worker;
        if (forking_worker_ == nullptr || forking_worker_->backend() != env_.home) [[unlikely]] {
            forking_worker_ = no_worker();
            for (std::size_t i = 1; i <= forked; ++i)
                post_child(attached(i)->frame());
        } else {
            // In reverse: the forking worker runs the second child first, a thief takes the last.
            forking_worker_->fork(forked, [&](std::size_t i) { return runnable(attached(forked - i)); });
        }
        set_current_environment(&env_);
        return first->frame();
    }

    [[nodiscard]] stop_state& stop() noexcept { return stop_; }
    /// The child that decided the outcome: the first that failed, or with `stop_on_first` the first that ended; null if
    /// none.
    [[nodiscard]] const promise_base* first() const noexcept { return first_.load(std::memory_order_acquire); }
    /// A child has ended and did not fail. @return the coroutine to resume
    [[nodiscard, gnu::always_inline]] std::coroutine_handle<> child_ended(promise_base& child) noexcept {
        local_worker* const worker = this_thread_worker;
        if (worker != forking_worker_) [[unlikely]]
            return chain_broken(child.frame());
        const std::uint32_t weight = child.weight();
        if (weight == count_) {
            set_current_environment(parent_env_);
            return std::coroutine_handle<>::from_address(parent_);
        }
        if (!worker->may_continue()) [[unlikely]]
            return chain_broken(child.frame());
        const runnable next = worker->deque().pop();
        if (!next.is_fork() || !next.as_fork().sibling_of(child)) [[unlikely]]
            return sibling_gone(child.frame(), next);
        next.as_fork().set_weight(weight + 1);
        return next.as_fork().frame();
    }
    /// A child has ended and may decide the outcome.
    [[nodiscard]] std::coroutine_handle<> deciding_child_ended(std::coroutine_handle<> ended) noexcept;

private:
    friend task_chain;
    // Equal to the worker of no thread: for children that were started outside the home's threads.
    [[nodiscard]] local_worker* no_worker() noexcept { return reinterpret_cast<local_worker*>(this); }
    // These take the frame, whose address is in a register already; that of the promise would cost another one.
    CADRE_RARE_CALL static void post_child(std::coroutine_handle<> child) noexcept;
    [[nodiscard]] CADRE_RARE_CALL std::coroutine_handle<> sibling_gone(std::coroutine_handle<> ended,
                                                                       runnable other) noexcept;
    [[nodiscard]] CADRE_RARE_CALL std::coroutine_handle<> chain_broken(std::coroutine_handle<> ended) noexcept;

    // Most are set by `start`. The order lets compilers set neighbours with one store, but of no more than two
    // pointers: a wider one would have g++ align the stack of every coroutine.
    void* parent_;
    environment* parent_env_;
    std::uint32_t count_;
    std::atomic<std::uint32_t> ended_{0};  // the weights of broken chains
    union {
        environment env_;
    };
    local_worker* forking_worker_;
    std::atomic<promise_base*> first_{nullptr};
    stop_state stop_;
};

/// Starts an attached task at its home, not before the caller returns to it. Any thread. @throws std::bad_alloc
void start_at_home(promise_base& task);
/// Fairness: starts an attached task behind all queued work of its home. @return the coroutine to resume now
[[nodiscard]] CADRE_RARE_CALL std::coroutine_handle<> start_later(std::coroutine_handle<> task) noexcept;

inline std::coroutine_handle<> promise_base::next() noexcept {
    if ((continuation_ & (not_join_tag | other_tag)) == 0) [[likely]]
        return reinterpret_cast<join*>(continuation_)->child_ended(*this);
    if ((continuation_ & not_join_tag) == 0)
        return reinterpret_cast<join*>(continuation_ - deciding_tag)->deciding_child_ended(frame());
    if ((continuation_ & other_tag) == 0)
        return std::coroutine_handle<>::from_address(reinterpret_cast<void*>(continuation_ - coroutine_tag));
    auto* const c = reinterpret_cast<completion*>(continuation_ - completion_tag);
    return c->done(c, frame());
}

}  // namespace cadre::detail
