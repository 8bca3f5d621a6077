#include "process/parent/nested_call.hpp"

#include "process/parent/pool.hpp"

#include <cadre/errors.hpp>

#include <utility>

namespace cadre::detail::process_parent {

void nested_call::start() noexcept {
    entered_ = caller != nullptr && pool_->registry().enter(root_);
    if (!entered_) {
        complete(failure_reply(std::make_exception_ptr(executor_stopped())));
        return;
    }
    if (not_received != nullptr) {
        complete(failure_reply(std::move(not_received)));
        return;
    }
    portable_call* const self = this;
    pool_->submit(std::span(&self, 1), true);
}

void nested_call::complete(call_reply reply) noexcept {
    pool_->reply_to_nested_call(*this, std::move(reply));
    if (entered_) const work_end end(pool_->registry(), root_);
    delete this;
}

}  // namespace cadre::detail::process_parent
