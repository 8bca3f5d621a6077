/// @file
/// What each worker of an executor runs at its start or at its end.
///
///     void load(const std::string& path);
///     cadre::executor ex = cadre::process_executor{{.initializer = cadre::bind_portable(load, "model.bin")}};
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include <cadre/bind_portable.hpp>
#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/detail/codec/codec.hpp>
#include <cadre/portable.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

using action_runner = void (*)(std::span<const std::byte> bytes);

/// An encoded callable. It is never destroyed: options that refer to it stay trivially destructible.
struct stored_action {
    action_runner run;
    byte_buffer bytes;
    codec_context context;  ///< keeps the objects of handles in `bytes`
};

/// @return the stored action with this runner and these bytes; the same one for equal arguments. Thread-safe.
[[nodiscard]] const stored_action* store_action(action_runner run, byte_buffer bytes, codec_context context);

template <class F>
void run_action(std::span<const std::byte> bytes) {
    codec_context context;
    decoder in(bytes, &context);
    F f = decode<F>(in);
    static_cast<void>(f());
}

}  // namespace detail

/// A portable callable without parameters: a function, a captureless lambda, `bind_portable(f, args…)`, an aggregate
/// with `operator()`. May be empty. What it returns is ignored. Cheap to copy; the callable lives until the program
/// ends.
class worker_action {
public:
    constexpr worker_action() noexcept = default;
    constexpr worker_action(std::nullptr_t) noexcept {}
    /// For backends that decode an action from bytes.
    explicit worker_action(const detail::stored_action* stored) noexcept : action_(stored) {}
    /// Does not compile if `f` is not portable.
    template <class F>
        requires(!std::is_same_v<std::decay_t<F>, worker_action> && std::is_invocable_v<std::decay_t<F>&>)
    worker_action(F&& f) {
        using function = std::decay_t<F>;
        static_assert(!detail::is_task<std::remove_cvref_t<std::invoke_result_t<function&>>>,
                      "cadre: an initializer or finalizer is an ordinary function: a coroutine would not run");
        detail::require_portable<function>();
        if constexpr (std::is_pointer_v<std::remove_cvref_t<F>>) {  // a function itself is never null
            if (f == nullptr) return;
        }
        if constexpr (portable<function>) {
            detail::codec_context context;
            byte_buffer bytes;
            detail::encoder out(bytes, &context);
            detail::encode<function>(out, f);
            action_ = detail::store_action(&detail::run_action<function>, std::move(bytes), std::move(context));
        }
    }

    [[nodiscard]] explicit operator bool() const noexcept { return action_ != nullptr; }
    /// Runs it on this thread. @throws what the callable throws
    void operator()() const;
    /// For backends that encode the action; null if it is empty.
    [[nodiscard]] const detail::stored_action* stored() const noexcept { return action_; }

private:
    using byte_buffer = detail::byte_buffer;
    const detail::stored_action* action_ = nullptr;
};

}  // namespace cadre
