/// @file
/// A call to another process: arguments out as bytes, the result or the error back.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include <cadre/detail/call/call_trampoline.hpp>
#include <cadre/detail/call/packaged_call.hpp>
#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/detail/scheduler/work_registry.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// What a reply holds: the value, or throws the error.
template <class R>
R read_reply(call_reply& reply) {
    if (reply.kind == reply_kind::failure) std::rethrow_exception(reply.error);
    codec_context context;
    decoder in(reply.bytes.span(), &context);
    if (reply.kind == reply_kind::exception) std::rethrow_exception(decode_exception(in, reply.where));
    if constexpr (!std::is_void_v<R>) return decode<R>(in);
}

template <class Bound>
void encode_call(byte_buffer& to, codec_context& context, const Bound& call) {
    encoder out(to, &context);
    encode(out, call.target());
    std::apply([&](const auto&... as) { (encode(out, as), ...); }, call.stored());
}

/// One call in flight, with a waiting caller. Registered with the executor while it runs.
class remote_call_base : public portable_call {
public:
    remote_call_base(const remote_call_base&) = delete;
    remote_call_base& operator=(const remote_call_base&) = delete;

    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
        return send(h, environment_of_promise(h));
    }

protected:
    explicit remote_call_base(std::shared_ptr<executor_backend> backend) : backend_(std::move(backend)) {
        waiter_.call = this;
    }
    ~remote_call_base() = default;
    call_reply& received() noexcept {
        (void)waiter_.detach();
        return reply_;
    }
    codec_context context_;

private:
    struct node : waiter {
        remote_call_base* call = nullptr;
    };
    bool send(std::coroutine_handle<> h, environment* env) noexcept;
    void complete(call_reply reply) noexcept final;

    std::shared_ptr<executor_backend> backend_;
    node waiter_;
    work_root root_;
    call_reply reply_;
};

template <class Bound>
class remote_call final : public remote_call_base {
public:
    remote_call(std::shared_ptr<executor_backend> backend, call_options settings, const Bound& call)
        : remote_call_base(std::move(backend)) {
        entry = entry_of<Bound>();
        options = std::move(settings);
        id = next_task_id();
        encode_call(arguments, context_, call);
    }
    typename Bound::result await_resume() { return read_reply<typename Bound::result>(received()); }
};

}  // namespace cadre::detail
