/// @file
/// The start of work in an executor's queue, which the submitter can withdraw.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include <cadre/detail/base/owning_pointer.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/detail/coroutine/work_item.hpp>
#include <cadre/detail/scheduler/work_registry.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// Queues `item` on `backend` behind the work that is queued there: calls begin in the order in which they are made,
/// also those of one worker.
void submit_in_order(executor_backend& backend, work_item& item) noexcept;

/// Queues of executors do not support removal. So the item is an allocation of its own: after `withdraw` the submitter
/// need not wait, and the worker that dequeues the item frees it.
///
///     state       changed by                                               to          order
///     idle        the submitter, before it submits the item                queued      store, seq_cst
///     queued      the worker that takes the item from the queue            begun       compare-exchange, acq_rel
///                 `withdraw`, any thread                                   withdrawn   compare-exchange, seq_cst
///     begun       the worker, before it submits the item again             queued      store, seq_cst
///     withdrawn   the first of that worker (`drop`) and the submitter      released    exchange, acq_rel
///                 (`release`); the second one frees the block
///
/// The stores of `queued` are sequentially consistent for a submitter that checks a stop condition afterwards, see
/// `parallel_loop`.
class queued_start final : public work_item {
public:
    using begin_function = void (*)(void* work) noexcept;
    struct deleter {
        void operator()(queued_start* item) const noexcept { item->free(); }
    };
    /// Owns an item that is not in a queue.
    using pointer = owning_pointer<queued_start, deleter>;

    /// `begin(work)`, of task `task_id`, is called on a thread of `backend` unless the item is withdrawn. @throws
    /// std::bad_alloc
    [[nodiscard]] static pointer make(executor_backend& backend, std::uint64_t task_id, begin_function begin,
                                      void* work);
    queued_start(const queued_start&) = delete;
    queued_start& operator=(const queued_start&) = delete;

    /// Before each submission. From here on the item can be withdrawn.
    void mark_queued() noexcept { state_.store(state::queued, std::memory_order_seq_cst); }
    /// Submits an item that is marked. One that has been withdrawn meanwhile is submitted all the same.
    void submit() noexcept { submit_in_order(*env_.home, *this); }

    /// Any thread, also with locks held. @return true: `begin` will not be called. At most one caller gets true.
    [[nodiscard]] bool withdraw() noexcept {
        state expected = state::queued;
        return state_.compare_exchange_strong(expected, state::withdrawn, std::memory_order_seq_cst);
    }
    /// The submitter releases an item. One that has been withdrawn stays registered with its backend, and keeps that
    /// alive, until the queue has returned it. Without locks held; the submitter is still registered.
    static void release(pointer item, const std::shared_ptr<executor_backend>& backend) noexcept;

private:
    enum class state : std::uint8_t { idle, queued, begun, withdrawn, released };

    queued_start(executor_backend& backend, std::uint64_t task_id, begin_function begin, void* work) noexcept;
    ~queued_start() = default;
    static void on_run(work_item* item) noexcept;
    void drop() noexcept;
    void free() noexcept;

    begin_function begin_;
    void* work_;
    std::atomic<state> state_{state::idle};  // on one cache line with the members above: all that the worker needs
    environment env_;
    task_info info_;  // of its own: the work may end before the queue returns a withdrawn item
    work_root root_;
    std::shared_ptr<executor_backend> backend_;
};

}  // namespace cadre::detail
