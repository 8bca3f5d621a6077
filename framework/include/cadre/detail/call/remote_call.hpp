/// @file
/// A call to another process: the arguments leave as bytes, the result or the error returns as bytes.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include <cadre/detail/call/call_trampoline.hpp>
#include <cadre/detail/call/packaged_call.hpp>
#include <cadre/detail/call/remote_submission.hpp>
#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// Throws the error of a reply that is a failure or an exception.
[[noreturn]] void rethrow_error(call_reply& reply);

/// Decodes the value of a reply, or throws its error.
template <class R>
R read_reply(call_reply& reply) {
    if (reply.kind == reply_kind::failure || reply.kind == reply_kind::exception) rethrow_error(reply);
    if constexpr (!std::is_void_v<R>) {
        codec_context context;
        context.take_arrived(reply.descriptors);
        decoder in(reply.bytes.data(), reply.bytes.size(), &context);
        return decode<R>(in);
    }
}

/// @throws not_portable if `backend` does not carry descriptors, or `count` are too many
void check_descriptors(const executor_backend& backend, std::size_t count);

/// Whether a value of these types can have long runs of bytes outside of itself.
template <class Arguments>
inline constexpr bool may_have_runs = false;
template <class... As>
inline constexpr bool may_have_runs<std::tuple<As...>> = !(plain<As> && ...);

/// Whether the executor of a call takes arguments that stay in the caller's values.
[[nodiscard]] bool takes_borrowed_arguments(executor_backend& backend) noexcept;

/// Encodes `call` as the arguments of `to`, which takes their file descriptors. If `backend` takes arguments in pieces,
/// long runs stay in `call`, which then lives until the call has completed.
template <class Bound>
void encode_call(portable_call& to, executor_backend& backend, codec_context& context, const Bound& call) {
    borrowed_runs* borrowed = nullptr;
    if constexpr (may_have_runs<typename Bound::arguments>)
        if (takes_borrowed_arguments(backend)) borrowed = &to.borrowed;
    context.descriptors = &to.descriptors;
    encoder out(to.arguments, &context);
    encode(out, call.target());
    encoder rest(to.arguments, &context, borrowed);
    std::apply([&](const auto&... as) { (encode(rest, as), ...); }, call.stored());
    to.may_return_descriptors = may_carry_descriptors<typename Bound::result>;
    if (!to.descriptors.empty()) check_descriptors(backend, to.descriptors.size());
}

/// One call in flight, with a coroutine that waits for it. A stop request does not end the wait: it is passed on to the
/// call, whose completion ends the wait.
class remote_call_base : public portable_call {
public:
    using resumes_at_home = void;
    remote_call_base(const remote_call_base&) = delete;
    remote_call_base& operator=(const remote_call_base&) = delete;

    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
        return send(h, environment_of_promise(h));
    }

protected:
    explicit remote_call_base(std::shared_ptr<executor_backend> backend);
    ~remote_call_base();
    [[nodiscard]] const executor_backend& backend() const noexcept { return submission_.backend(); }
    call_reply& received() {
        (void)waiter_.detach();
        submission_.name_origin(reply_);
        submission_.note_end(reply_, submission_.stop());
        submission_.unlink();
        return reply_;
    }
    codec_context context_;

private:
    bool send(std::coroutine_handle<> h, environment* env) noexcept;
    void complete(call_reply reply) noexcept final;

    remote_submission submission_;
    waiter waiter_;
    call_reply reply_;
};

template <class Bound>
class remote_call final : public remote_call_base {
public:
    /// `call` lives until this has completed.
    remote_call(const std::shared_ptr<executor_backend>& ex, call_options settings, const Bound& call)
        : remote_call_base(ex) {
        entry = trampoline_id<single_call<Bound>>();
        options = std::move(settings);
        id = next_task_id();
        encode_call(*this, *ex, context_, call);
    }
    typename Bound::result await_resume() { return read_reply<typename Bound::result>(received()); }
};

}  // namespace cadre::detail
