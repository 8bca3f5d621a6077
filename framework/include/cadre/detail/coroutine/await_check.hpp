/// @file
/// Reports awaitables that are destroyed without having been awaited, in code that is compiled without `NDEBUG`.
#pragma once

#include <exception>
#include <utility>

namespace cadre::detail {

/// Prints one line on standard error. `what` is the call that made the awaitable: "lock()".
void report_unawaited(const char* what) noexcept;

/// For a destructor: reports, unless an exception unwinds the stack, which may have been thrown before the await.
inline void check_awaited([[maybe_unused]] bool awaited, [[maybe_unused]] const char* what) noexcept {
#ifndef NDEBUG
    if (!awaited && std::uncaught_exceptions() == 0) report_unawaited(what);
#endif
}

enum class awaitable_kind : unsigned char { sleep, wait, send, receive, lock, acquire, change, next, select, query };

/// A member of an awaitable. It takes the same place with and without `NDEBUG`, so that code compiled either way fits
/// together.
template <awaitable_kind Kind>
class await_check {
public:
    await_check() noexcept = default;
    await_check(await_check&& other) noexcept : pending_(std::exchange(other.pending_, false)) {}
    await_check& operator=(await_check&&) = delete;
    ~await_check() { check_awaited(!pending_, name()); }

    void awaited() noexcept { pending_ = false; }

private:
    [[nodiscard]] static constexpr const char* name() noexcept {
        switch (Kind) {
            case awaitable_kind::sleep: return "sleep_for() or sleep_until()";
            case awaitable_kind::wait: return "join() or another wait for work";
            case awaitable_kind::send: return "send() or emplace()";
            case awaitable_kind::receive: return "receive()";
            case awaitable_kind::lock: return "lock(), get(), set() or update()";
            case awaitable_kind::acquire: return "acquire()";
            case awaitable_kind::change: return "wait() or arrive_and_wait()";
            case awaitable_kind::next: return "next()";
            case awaitable_kind::select: return "select()";
            default: return "a function of cadre::this_task";
        }
    }
    bool pending_ = true;
};

}  // namespace cadre::detail
