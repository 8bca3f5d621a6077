#include <cadre/detail/call/queued_start.hpp>

#include <new>
#include <span>
#include <utility>

#include <cadre/detail/scheduler/local_worker.hpp>

namespace cadre::detail {

void submit_in_order(executor_backend& backend, work_item& item) noexcept {
    work_item* one = &item;
    if (local_worker* const worker = worker_of(&backend); worker != nullptr)
        worker->defer(one);
    else
        backend.submit(std::span(&one, 1));
}

queued_start::pointer queued_start::make(executor_backend& backend, std::uint64_t task_id, begin_function begin,
                                         void* work) {
    return pointer(new (allocate_frame(sizeof(queued_start))) queued_start(backend, task_id, begin, work));
}

queued_start::queued_start(executor_backend& backend, std::uint64_t task_id, begin_function begin, void* work) noexcept
    : begin_(begin), work_(work) {
    run = &on_run;
    env_.home = &backend;
    env_.info = &info_;
    info_.id = task_id;
    work_item::env = &env_;
}

void queued_start::on_run(work_item* item) noexcept {
    auto& self = *static_cast<queued_start*>(item);
    state expected = state::queued;
    if (self.state_.compare_exchange_strong(expected, state::begun, std::memory_order_acq_rel))
        self.begin_(self.work_);  // the item may be freed when this returns
    else
        self.drop();
}

void queued_start::release(pointer item, const std::shared_ptr<executor_backend>& backend) noexcept {
    if (item == nullptr || item->state_.load(std::memory_order_acquire) < state::withdrawn) return;
    item->backend_ = backend;
    backend->registry().enter_part(item->root_);
    item.release()->drop();
}

void queued_start::drop() noexcept {
    if (state_.exchange(state::released, std::memory_order_acq_rel) != state::released) return;
    const std::shared_ptr<executor_backend> backend = std::move(backend_);
    const work_end end(backend->registry(), root_);
    free();
}

void queued_start::free() noexcept {
    this->~queued_start();
    free_frame(this, sizeof(queued_start));
}

}  // namespace cadre::detail
