/// @file
/// The worker's side of a call: reads the arguments, runs the function, writes the result.
#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <cadre/detail/call/packaged_call.hpp>
#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/codec/descriptor_content.hpp>
#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/detail/codec/function_identity.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/promise.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
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

/// Encodes a result, of which long runs stay in `value` if there is a list for them. The bytes own the handles in them,
/// because this process may drop its own first.
template <class R>
void encode_result(byte_buffer& to, [[maybe_unused]] std::vector<unique_fd>& descriptors, const R& value,
                   borrowed_runs* borrowed = nullptr) {
    if constexpr (may_carry_descriptors<R>) {
        codec_context context;
        context.bytes_own_objects = true;
        context.descriptors = &descriptors;
        encoder out(to, &context, borrowed);
        encode(out, value);
        require_descriptor_count(descriptors.size());
    } else {
        encoder out(to, nullptr, borrowed);
        encode(out, value);
    }
}

/// If `call` takes a reply in pieces, `value` lives until it has finished.
template <class R>
[[nodiscard]] call_reply value_reply(const invocation& call, const R& value) noexcept {
    call_reply reply;
    try {
        encode_result(reply.bytes, reply.descriptors, value, call.borrows_results() ? &reply.borrowed : nullptr);
    } catch (...) {
        return exception_reply(std::current_exception());
    }
    return reply;
}

/// The work of a call: one function with its arguments.
template <class Bound>
class single_call {
public:
    using function = typename Bound::function;
    static constexpr bool coroutine = Bound::coroutine;

    /// The result, until the invocation has finished.
    using kept = std::optional<
        std::conditional_t<std::is_void_v<typename Bound::result>, std::monostate, typename Bound::result>>;

    explicit single_call(invocation& call) : invocation_(call), call_(read(call, context_)) {}
    /// Runs a plain function.
    [[nodiscard]] call_reply run(kept& result) {
        if constexpr (std::is_void_v<typename Bound::result>) {
            call_();
            return {};
        } else {
            result.emplace(call_());
            return value_reply(invocation_, *result);
        }
    }
    /// Starts a coroutine function; `reply` is called once its task has succeeded.
    [[nodiscard]] typename Bound::raw start() { return call_(); }
    [[nodiscard]] call_reply reply(auto& promise, kept& result) noexcept {
        if constexpr (std::is_void_v<typename Bound::result>) {
            return {};
        } else {
            result.emplace(promise.take());
            return value_reply(invocation_, *result);
        }
    }

private:
    [[nodiscard]] static Bound read(invocation& call, codec_context& context) {
        context.take_arrived(call.descriptors);
        decoder in(call.arguments, &context);
        return decode_call<Bound>(in);
    }
    invocation& invocation_;
    codec_context context_;
    Bound call_;
};

/// The work of a coroutine function and its task; owns itself from `start` until the task has ended.
template <class Work>
class invocation_task final : completion {
public:
    explicit invocation_task(invocation& call) : invocation_(call), frame_(call) {}
    void start() {
        set_current_environment(&frame_.env);
        work_.emplace(invocation_);
        task_ = work_->start();
        require_coroutine(task_);
        done = &ended;
        task_.frame().promise().attach(&frame_.env, *this);
        if constexpr (returns_items)
            resume_chunk();
        else
            task_.frame().resume();
    }

private:
    static constexpr bool returns_items = requires(Work& work) { work.return_rest(); };

    // When the task has suspended, another thread may resume it: the side that leaves last finishes the call.
    void resume_chunk() {
        {
            const local_worker::turns_of_item turns(this_thread_worker);
            task_.frame().resume();
        }
        work_->return_rest();
        if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) finish();
    }
    static std::coroutine_handle<> ended(completion* c, std::coroutine_handle<>) noexcept {
        auto* const self = static_cast<invocation_task*>(c);
        if (!returns_items || self->users_.fetch_sub(1, std::memory_order_acq_rel) == 1) self->finish();
        return std::noop_coroutine();
    }
    void finish() noexcept {
        std::unique_ptr<invocation_task> self(this);
        invocation& call = invocation_;
        auto& promise = task_.frame().promise();
        typename Work::kept result;
        call_reply reply = promise.failed() ? exception_reply(promise.error()) : work_->reply(promise, result);
        self.reset();  // the task's locals are destroyed before the caller is notified
        set_current_environment(nullptr);
        call.finish(std::move(reply));
    }
    invocation& invocation_;
    invocation_frame frame_;
    std::optional<Work> work_;
    decltype(std::declval<Work&>().start()) task_;
    std::atomic<int> users_{2};  // of a chunk: its task, and the thread that has started it
};

/// The entry of a portable call in its worker: decodes `Work`, runs it and finishes the invocation.
template <class Work>
void call_trampoline(invocation& call) noexcept {
    call_reply reply;
    typename Work::kept result;
    try {
        if constexpr (Work::coroutine) {
            auto t = std::make_unique<invocation_task<Work>>(call);
            t->start();
            (void)t.release();  // NOLINT: deletes itself when the task has ended
            return;
        } else {
            invocation_frame frame(call);
            set_current_environment(&frame.env);
            reply = Work(call).run(result);
        }
    } catch (...) {
        reply = exception_reply(std::current_exception());
    }
    set_current_environment(nullptr);
    call.finish(std::move(reply));
}

/// The name of the function that `Work` calls, for error texts.
template <class Work>
inline const trampoline_name name_of_trampoline{reinterpret_cast<const void*>(&call_trampoline<Work>),
                                                &callable_name<typename Work::function>::read};

/// The identity of the trampoline for `Work`, computed once.
template <class Work>
[[nodiscard]] const function_id& trampoline_id() {
    static_cast<void>(name_of_trampoline<Work>);  // instantiates the name
    static const function_id id = identify_function(reinterpret_cast<const void*>(&call_trampoline<Work>));
    return id;
}

}  // namespace cadre::detail
