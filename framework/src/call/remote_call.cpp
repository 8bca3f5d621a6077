#include <cadre/detail/call/remote_call.hpp>

namespace cadre::detail {

bool remote_call_base::send(std::coroutine_handle<> h, environment* env) noexcept {
    waiter_.prepare(h, env, nullptr);
    if (std::exception_ptr error = submission_.admit(env->stop); error != nullptr) {
        reply_ = failed_reply(std::move(error));
        return false;
    }
    submission_.submit();
    return waiter_.commit();
}

void remote_call_base::complete(call_reply reply) noexcept {
    reply_ = std::move(reply);
    submission_.end_limit(reply_);
    submission_.leave([this]() noexcept { waiter_.finish(); });
}

}  // namespace cadre::detail
