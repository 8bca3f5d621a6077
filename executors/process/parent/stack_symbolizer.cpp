#include "process/parent/stack_symbolizer.hpp"

#include "process/parent/completion_scope.hpp"

#include <utility>

namespace cadre::detail::process_parent {

undertaker::~undertaker() {
    {
        const std::lock_guard hold(mutex_);
        ending_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void undertaker::bury(burial b) {
    const std::lock_guard hold(mutex_);
    waiting_.push_back(std::move(b));
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    wake_.notify_one();
}

void undertaker::run() noexcept {
    const completion_scope here;
    std::unique_lock hold(mutex_);
    for (;;) {
        wake_.wait(hold, [this] { return ending_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        burial b = std::move(waiting_.front());
        waiting_.pop_front();
        hold.unlock();
        b.reply.kind = reply_kind::failure;
        b.reply.error = crash_error(*b.death, b.task, process_os::resolve_crash_stack(b.death->report));
        b.call->complete(std::move(b.reply));
        hold.lock();
    }
}

}  // namespace cadre::detail::process_parent
