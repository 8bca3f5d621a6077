#include <cadre/detail/call/remote_submission.hpp>

#include <span>

#include <cadre/errors.hpp>

namespace cadre::detail {

remote_submission::remote_submission(std::shared_ptr<executor_backend> backend, portable_call& call) noexcept
    : backend_(std::move(backend)), call_(call) {
    node_.self = this;
    root_.name = &call.options.name;
    node_.fire = [](stop_node* n, stop_reason why) noexcept {
        remote_submission& self = *static_cast<node*>(n)->self;
        self.backend_->request_stop(self.call_, why);
    };
}

std::exception_ptr remote_submission::admit(stop_state* stop) noexcept {
    if (stop != nullptr && stop->stop_requested()) return std::make_exception_ptr(cancelled{});
    if (!backend_->registry().enter(root_)) return std::make_exception_ptr(executor_stopped{});
    stop_ = stop;
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

call_reply failed_reply(std::exception_ptr error) noexcept {
    call_reply reply;
    reply.kind = reply_kind::failure;
    reply.error = std::move(error);
    return reply;
}

}  // namespace cadre::detail
