#include "process/parent/stack_symbolizer.hpp"

#include "base/signals_blocked.hpp"
#include "common/completion_scope.hpp"

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

void stack_symbolizer::submit(crashed_call c) noexcept {
    try {
        const std::lock_guard hold(mutex_);
        if (!thread_.joinable()) {
            const signals_blocked blocked;
            thread_ = std::thread([this] { run(); });
        }
        waiting_.push_back(std::move(c));
        wake_.notify_one();
    } catch (...) {
        complete(c);  // no thread or no memory: the caller's thread does it
    }
}

void stack_symbolizer::complete(crashed_call& c) noexcept {
    std::string stack;
    try {
        stack = process_os::resolve_crash_stack(c.death->report);
    } catch (const std::exception&) {  // no memory: the error has no stack
    }
    const completion_scope scope;
    c.reply.kind = reply_kind::failure;
    c.reply.error = crash_error(*c.death, c.task, std::move(stack));
    c.call->complete(std::move(c.reply));
}

void stack_symbolizer::run() noexcept {
    std::unique_lock hold(mutex_);
    for (;;) {
        wake_.wait(hold, [this] { return ending_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        crashed_call c = std::move(waiting_.front());
        waiting_.pop_front();
        hold.unlock();
        complete(c);
        hold.lock();
    }
}

}  // namespace cadre::detail::process_parent
