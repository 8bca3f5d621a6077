#include "process/parent/stack_symbolizer.hpp"

#include "process/parent/completion_scope.hpp"

#include <utility>

namespace cadre::detail::process_parent {

stack_symbolizer::~stack_symbolizer() {
    {
        const std::lock_guard hold(mutex_);
        ending_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void stack_symbolizer::submit(crashed_call c) {
    const std::lock_guard hold(mutex_);
    waiting_.push_back(std::move(c));
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    wake_.notify_one();
}

void stack_symbolizer::run() noexcept {
    const completion_scope scope;
    std::unique_lock hold(mutex_);
    for (;;) {
        wake_.wait(hold, [this] { return ending_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        crashed_call c = std::move(waiting_.front());
        waiting_.pop_front();
        hold.unlock();
        c.reply.kind = reply_kind::failure;
        c.reply.error = crash_error(*c.death, c.task, process_os::resolve_crash_stack(c.death->report));
        c.call->complete(std::move(c.reply));
        hold.lock();
    }
}

}  // namespace cadre::detail::process_parent
