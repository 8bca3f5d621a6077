/// @file
/// The worker's side of a map: a chunk of items, one after the other, each committed as it ends.
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include <cadre/detail/call/call_trampoline.hpp>
#include <cadre/detail/call/map_item.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

/// Runs the items of one chunk. The function is sent once, then the arguments of each item.
template <class Bound>
class chunk_runner {
public:
    explicit chunk_runner(invocation& call)
        : call_(call), in_(call.arguments.span(), &context_), function_(decode<typename Bound::function>(in_)) {}

    /// The whole chunk, for plain functions.
    void run() {
        for (std::uint32_t i = 0; i < call_.items; ++i) {
            begin(i);
            byte_buffer result;
            encoder out(result);
            try {
                Bound bound = next();
                if constexpr (std::is_void_v<typename Bound::result>) {
                    bound();
                    out.write_byte(0);
                } else {
                    const typename Bound::result value = bound();
                    out.write_byte(0);
                    encode(out, value);
                }
            } catch (...) {
                failed(result);
            }
            commit(i, std::move(result));
        }
    }
    /// The whole chunk, for coroutine functions.
    task<void> run_tasks() {
        for (std::uint32_t i = 0; i < call_.items; ++i) {
            begin(i);
            byte_buffer result;
            encoder out(result);
            try {
                Bound bound = next();
                if constexpr (std::is_void_v<typename Bound::result>) {
                    co_await bound();
                    out.write_byte(0);
                } else {
                    const typename Bound::result value = co_await bound();
                    out.write_byte(0);
                    encode(out, value);
                }
            } catch (...) {
                failed(result);
            }
            commit(i, std::move(result));
        }
    }
    [[nodiscard]] call_reply reply() noexcept {
        call_reply r;
        r.bytes = std::move(single_);
        return r;
    }

private:
    Bound next() {
        return [&]<class... As>(std::type_identity<std::tuple<As...>>) {
            return Bound(function_, std::tuple<As...>{decode<As>(in_)...});
        }(std::type_identity<typename Bound::arguments>{});
    }
    void failed(byte_buffer& result) {
        result.clear();
        encoder out(result);
        out.write_byte(1);
        encode_exception(out, std::current_exception());
    }
    void begin(std::uint32_t i) noexcept {
        if (call_.items > 1) call_.begin_item(i);
    }
    void commit(std::uint32_t i, byte_buffer result) noexcept {
        if (call_.items > 1)
            call_.commit_items(i + 1, std::move(result));
        else
            single_ = std::move(result);
    }

    invocation& call_;
    codec_context context_;
    decoder in_;
    typename Bound::function function_;
    byte_buffer single_;
};

/// A chunk of coroutine items, alive until the last has ended.
template <class Bound>
class chunk_task final : completion {
public:
    explicit chunk_task(invocation& call) : invocation_(call), frame_(call), runner_(call) {}
    void start() {
        set_current_environment(&frame_.env);
        task_ = runner_.run_tasks();
        done = &ended;
        task_.frame().promise().attach(&frame_.env, *this);
        task_.frame().resume();
    }

private:
    static std::coroutine_handle<> ended(completion* c) noexcept {
        std::unique_ptr<chunk_task> self(static_cast<chunk_task*>(c));
        invocation& call = self->invocation_;
        auto& promise = self->task_.frame().promise();
        call_reply reply = promise.failed() ? exception_reply(promise.error()) : self->runner_.reply();
        self.reset();
        set_current_environment(nullptr);
        call.finish(std::move(reply));
        return std::noop_coroutine();
    }
    invocation& invocation_;
    invocation_frame frame_;
    chunk_runner<Bound> runner_;
    task<void> task_;
};

template <class Bound>
void map_trampoline(invocation& call) noexcept {
    call_reply reply;
    try {
        if constexpr (Bound::coroutine) {
            auto t = std::make_unique<chunk_task<Bound>>(call);
            t->start();
            (void)t.release();  // NOLINT: it deletes itself at its end
            return;
        } else {
            invocation_frame frame(call);
            set_current_environment(&frame.env);
            chunk_runner<Bound> runner(call);
            runner.run();
            reply = runner.reply();
        }
    } catch (...) {
        reply = exception_reply(std::current_exception());
    }
    set_current_environment(nullptr);
    call.finish(std::move(reply));
}

template <class Bound>
inline const trampoline_name map_trampoline_name{reinterpret_cast<const void*>(&map_trampoline<Bound>),
                                                 &callable_name<typename Bound::function>::read};

template <class Bound>
[[nodiscard]] const function_id& map_trampoline_of() {
    static_cast<void>(map_trampoline_name<Bound>);  // a use, or the compiler would leave it out
    static const function_id id = identify_function(reinterpret_cast<const void*>(&map_trampoline<Bound>));
    return id;
}

}  // namespace cadre::detail
