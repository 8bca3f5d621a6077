#include "process/parent/nested_call.hpp"

#include "coroutine/trace.hpp"
#include "process/parent/pool.hpp"

#include <cadre/detail/codec/call_name.hpp>
#include <cadre/errors.hpp>

#include <new>
#include <utility>

namespace cadre::detail::process_parent {

void nested_call::start() noexcept {
    root_.id = id;
    root_.name = &options.name;
    root_.call = this;
    entered_ = caller != nullptr && pool_->registry().enter(root_);
    if (!entered_) {
        complete(failure_reply(std::make_exception_ptr(executor_stopped())));
        return;
    }
    if (tracing()) [[unlikely]]
        trace_acceptance();
    if (not_received != nullptr) {
        complete(failure_reply(std::move(not_received)));
        return;
    }
    if (stopped) {
        complete(failure_reply(std::make_exception_ptr(cancelled())));
        return;
    }
    portable_call* const self = this;
    pool_->submit(std::span(&self, 1), true);
}

void nested_call::trace_acceptance() noexcept {
    try {
        trace::submitted(id, options.name.empty() ? call_name(entry, arguments.span()) : options.name,
                         trace::submission::call);
        work_registry::set_traced(root_);
    } catch (const std::bad_alloc&) {  // the trace lacks this call
    }
}

void nested_call::complete(call_reply reply) noexcept {
    pool_->reply_to_nested_call(*this, std::move(reply));
    if (entered_) const work_end end(pool_->registry(), root_);
    delete this;
}

}  // namespace cadre::detail::process_parent
