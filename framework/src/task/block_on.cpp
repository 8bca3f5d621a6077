#include <cadre/detail/task/block_on.hpp>

#include <cadre/errors.hpp>

namespace cadre::detail {

blocking_root::blocking_root(std::shared_ptr<executor_backend> home, stop_state* stop, std::source_location where)
    : task_root(std::move(home), stop, "main"), completion_loop_(run_loop::make("completion")) {
    registration().where = where;
}

void blocking_root::run(std::coroutine_handle<> frame, promise_base& promise) {
    frame_ = frame;
    promise_ = &promise;
    // Before the task is posted, so that no other thread starts it.
    auto* own = dynamic_cast<run_loop*>(env().home);
    if (own != nullptr && !own->reserve()) own = nullptr;
    if (!launch()) {
        if (own != nullptr) own->end_reservation();
        throw executor_stopped{};
    }
    const std::string deadlocked = drive_until([this] { return end_.done.load(std::memory_order_acquire); }, own);
    if (!deadlocked.empty()) throw deadlock(deadlocked);
}

void blocking_root::ended() noexcept {
    const std::shared_ptr<run_loop> loop = completion_loop_;  // the root may be destroyed as soon as the item runs
    end_.run = [](work_item* item) noexcept {
        static_cast<end_item*>(item)->done.store(true,
                                                 std::memory_order_seq_cst);  // the root may be destroyed after this
        wake_loop_drivers();
    };
    work_item* item = &end_;
    loop->submit(std::span(&item, 1));
}

}  // namespace cadre::detail
