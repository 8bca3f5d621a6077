#include <cadre/detail/call/remote_call.hpp>

namespace cadre::detail {

bool remote_call_base::send(std::coroutine_handle<> h, environment* env) noexcept {
    waiter_.prepare(h, env, [](waiter& w) noexcept {
        // Waits for work: pass the request on; the call ends by itself.
        remote_call_base& call = *static_cast<node&>(w).call;
        call.backend_->request_stop(call, w.env->stop->reason());
    });
    const auto refuse = [this](std::exception_ptr error) {
        reply_.kind = reply_kind::failure;
        reply_.error = std::move(error);
        return false;
    };
    if (env->stop != nullptr && env->stop->stop_requested()) return refuse(std::make_exception_ptr(cancelled{}));
    if (!backend_->registry().enter(root_)) return refuse(std::make_exception_ptr(executor_stopped{}));
    portable_call* one = this;
    backend_->submit(std::span<portable_call* const>(&one, 1));
    return waiter_.commit();
}

void remote_call_base::complete(call_reply reply) noexcept {
    reply_ = std::move(reply);
    work_registry& registry = backend_->registry();
    registry.begin_leave(root_);
    waiter_.finish();
    registry.finish_leave();
}

}  // namespace cadre::detail
