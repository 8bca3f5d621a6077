#include <cadre/detail/call/remote_submission.hpp>

#include <new>
#include <span>

#include "coroutine/trace.hpp"

#include <cadre/detail/call/call_errors.hpp>
#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/detail/scheduler/timer_service.hpp>
#include <cadre/errors.hpp>
#include <cadre/this_worker.hpp>

namespace cadre::detail {

namespace {

void trace_submission(work_root& root, const portable_call& call) noexcept {
    if (this_worker::detail::in_worker_process()) return trace::submitted(root.id, {}, trace::submission::arrow);
    try {
        trace::submitted(root.id,
                         call.options.name.empty() ? call_name(call.entry, call.arguments.span()) : call.options.name);
        work_registry::set_traced(root);
    } catch (const std::bad_alloc&) {  // the trace lacks this call
    }
}

std::exception_ptr decode_error(call_reply& reply) {
    codec_context context;
    context.take_arrived(reply.descriptors);
    decoder in(reply.bytes.span(), &context);
    return decode_exception(in, reply.where);
}

}  // namespace

remote_submission::remote_submission(std::shared_ptr<executor_backend> backend, portable_call& call) noexcept
    : backend_(std::move(backend)), call_(call) {
    node_.self = this;
    root_.name = &call.options.name;
    root_.call = &call;
    node_.fire = [](stop_node* n, stop_reason why) noexcept {
        remote_submission& self = *static_cast<node*>(n)->self;
        self.backend_->request_stop(self.call_, why);
    };
}

std::exception_ptr remote_submission::admit(stop_state* stop) noexcept {
    if (stop != nullptr && stop->stop_requested()) return std::make_exception_ptr(cancelled{});
    root_.id = call_.id;
    root_.starter = current_task_id();
    if (!backend_->registry().enter(root_)) return std::make_exception_ptr(executor_stopped{});
    if (tracing()) [[unlikely]]
        trace_submission(root_, call_);
    stop_ = stop;
    if (const auto limit = call_.options.timeout; limit.count() > 0 && !backend_->limits_calls()) {
        limit_.reset(new deadline_stop);
        limit_->arm(limit, stop);
        stop_ = &limit_->stop();
    }
    if (stop_ != nullptr) stop_->add(node_);
    return nullptr;
}

void remote_submission::submit() noexcept {
    stop_state* const stop = stop_;  // a completion may unlink on another thread from here on
    portable_call* one = &call_;
    backend_->submit(std::span<portable_call* const>(&one, 1));
    resend(stop);
}

void remote_submission::resend(const stop_state* stop) noexcept {
    if (stop == nullptr) return;
    if (const stop_reason why = stop->reason(); why != stop_reason::none) backend_->request_stop(call_, why);
}

void remote_submission::unlink() noexcept {
    if (stop_state* const stop = std::exchange(stop_, nullptr); stop != nullptr) stop->remove(node_);
}

void remote_submission::end_own_limit(call_reply& reply) noexcept {
    const bool passed = limit_->disarm();
    if (!passed || reply.kind == reply_kind::value) return;
    std::exception_ptr error = reply.error;
    if (reply.kind == reply_kind::exception) {
        try {
            error = decode_error(reply);
        } catch (...) {
            return;  // malformed: reported where the reply is read
        }
    }
    if (!ended_by_stop(error)) return;
    reply.kind = reply_kind::failure;
    reply.error = std::make_exception_ptr(timed_out(timed_out_text(call_.options.timeout, task())));
}

void remote_submission::add_task_to_origin(call_reply& reply, std::string_view item) const {
    reply.error = add_origin(reply.error, task().append(item));
}

void remote_submission::note_error(call_reply& reply, const stop_state* stop) const {
    if (stop == nullptr || stop->reason() < stop_reason::deadline) return;
    if (reply.kind == reply_kind::exception) {
        reply.error = decode_error(reply);
        reply.kind = reply_kind::failure;
    }
    note_limited_call(stop, reply.error, [this] { return task(); });
}

std::string remote_submission::task() const {
    return task_text(call_.options.name, call_.entry, call_.arguments.span());
}

call_reply failed_reply(std::exception_ptr error) noexcept {
    call_reply reply;
    reply.kind = reply_kind::failure;
    reply.error = std::move(error);
    return reply;
}

}  // namespace cadre::detail
