/// @file
/// The worker's side of a call: reads the arguments, runs the function, writes the result.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cadre/detail/call/packaged_call.hpp>
#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/detail/codec/function_identity.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/promise.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>

namespace cadre::detail {

template <class Bound>
[[nodiscard]] Bound decode_call(decoder& in) {
    auto function = decode<typename Bound::function>(in);
    return [&]<class... As>(std::type_identity<std::tuple<As...>>) {
        return Bound(std::move(function), std::tuple<As...>{decode<As>(in)...});  // braces: left to right
    }(std::type_identity<typename Bound::arguments>{});
}

/// The environment of a call in its worker.
struct invocation_frame {
    explicit invocation_frame(invocation& call);
    task_info info;
    environment env;
};

[[nodiscard]] call_reply exception_reply(const std::exception_ptr& error) noexcept;

template <class R>
[[nodiscard]] call_reply value_reply(const R& value) noexcept {
    call_reply reply;
    try {
        // Without a context: a handle in the result belongs to the message, for this process may drop its own first.
        encoder out(reply.bytes);
        encode(out, value);
    } catch (...) {
        return exception_reply(std::current_exception());
    }
    return reply;
}

/// A coroutine function's task, alive until it ends.
template <class Bound>
class remote_task final : completion {
public:
    explicit remote_task(invocation& call) : invocation_(call), frame_(call) {}
    void start() {
        set_current_environment(&frame_.env);
        decoder in(invocation_.arguments.span(), &context_);
        call_.emplace(decode_call<Bound>(in));
        task_ = (*call_)();
        done = &ended;
        task_.frame().promise().attach(&frame_.env, *this);
        task_.frame().resume();
    }

private:
    static std::coroutine_handle<> ended(completion* c) noexcept {
        std::unique_ptr<remote_task> self(static_cast<remote_task*>(c));
        invocation& call = self->invocation_;
        auto& promise = self->task_.frame().promise();
        call_reply reply;
        if (promise.failed()) {
            reply = exception_reply(promise.error());
        } else if constexpr (!std::is_void_v<typename Bound::result>) {
            reply = value_reply(promise.take());
        }
        self.reset();  // the task's locals go before the caller hears of the end
        set_current_environment(nullptr);
        call.finish(std::move(reply));
        return std::noop_coroutine();
    }
    invocation& invocation_;
    invocation_frame frame_;
    codec_context context_;
    std::optional<Bound> call_;
    typename Bound::raw task_;
};

template <class Bound>
void call_trampoline(invocation& call) noexcept {
    call_reply reply;
    try {
        if constexpr (Bound::coroutine) {
            auto t = std::make_unique<remote_task<Bound>>(call);
            t->start();
            (void)t.release();  // NOLINT: it deletes itself at its end
            return;
        } else {
            invocation_frame frame(call);
            set_current_environment(&frame.env);
            codec_context context;
            decoder in(call.arguments.span(), &context);
            Bound bound = decode_call<Bound>(in);
            if constexpr (std::is_void_v<typename Bound::result>)
                bound();
            else
                reply = value_reply<typename Bound::result>(bound());
        }
    } catch (...) {
        reply = exception_reply(std::current_exception());
    }
    set_current_environment(nullptr);
    call.finish(std::move(reply));
}

template <class Bound>
inline const trampoline_name call_trampoline_name{reinterpret_cast<const void*>(&call_trampoline<Bound>),
                                                  &callable_name<typename Bound::function>::read};

/// The identity of a call type's entry, found once.
template <class Bound>
[[nodiscard]] const function_id& entry_of() {
    static_cast<void>(call_trampoline_name<Bound>);  // a use, or the compiler would leave it out
    static const function_id id = identify_function(reinterpret_cast<const void*>(&call_trampoline<Bound>));
    return id;
}

}  // namespace cadre::detail
