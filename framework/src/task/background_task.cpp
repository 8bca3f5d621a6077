#include <cadre/detail/task/background_task.hpp>

#include <utility>

#include <cadre/errors.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

background_task::background_task(const environment& starter, task<void> body)
    : task_root(starter.home->shared_from_this(), nullptr, {}), body_(std::move(body)) {
    stop().follow(starter.stop);
    if (starter.info == nullptr) return;
    info_ = *starter.info;
    env().info = &info_;
}

background_task::~background_task() { stop().unfollow(); }

void background_task::begin_run() {
    self_ = shared_from_this();
    if (launch()) return;
    self_ = nullptr;
    throw executor_stopped{};
}

void background_task::ended() noexcept {
    const std::shared_ptr<background_task> keep = std::move(self_);
    body_ = {};
    stop().unfollow();
}

background_work::background_work(task<void> body)
    : task_(std::make_shared<background_task>(*current_environment(), std::move(body))) {
    task_->begin_run();
}

}  // namespace cadre::detail
