#include <cadre/detail/call/remote_call.hpp>

#include <typeinfo>

#include <cadre/errors.hpp>

namespace cadre::detail {

void rethrow_error(call_reply& reply) {
    if (reply.kind == reply_kind::failure) std::rethrow_exception(reply.error);
    codec_context context;
    context.take_arrived(reply.descriptors);
    decoder in(reply.bytes.data(), reply.bytes.size(), &context);
    std::rethrow_exception(decode_exception(in, reply.where));
}

bool takes_borrowed_arguments(executor_backend& backend) noexcept {
    return backend.query(typeid(borrowed_arguments)) != nullptr;
}

void check_descriptors(const executor_backend& backend, std::size_t count) {
    if (!backend.passes_descriptors())
        throw not_portable("executor '" + backend.name() + "' cannot carry file descriptors to its workers");
    require_descriptor_count(count);
}

remote_call_base::remote_call_base(std::shared_ptr<executor_backend> backend)
    : submission_(std::move(backend), *this) {}

remote_call_base::~remote_call_base() = default;

bool remote_call_base::send(std::coroutine_handle<> h, environment* env) noexcept {
    waiter_.prepare(h, env, nullptr, wait_kind::call);
    if (std::exception_ptr error = submission_.admit(env->stop); error != nullptr) {
        reply_ = failed_reply(std::move(error));
        return false;
    }
    submission_.submit();
    return waiter_.commit();
}

void remote_call_base::complete(call_reply reply) noexcept {
    reply_ = std::move(reply);
    descriptors.clear();
    submission_.end_limit(reply_);
    submission_.leave([this]() noexcept { waiter_.finish(); });
}

}  // namespace cadre::detail
