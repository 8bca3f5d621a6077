/// @file
/// The awaiter of a source that one coroutine waits for.
#pragma once

#include <coroutine>

#include <cadre/detail/coroutine/await_check.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/waiter.hpp>

namespace cadre::detail {

/// Awaits work: the wait ends when the source finishes the waiter, not when stop is requested. `Source` outlives the
/// wait:
///
///     bool wait(waiter& w) noexcept;    // keeps `w`, to call `w.finish()` once; false: there is nothing to wait for
///     void on_stop_request(stop_reason why) noexcept;  // optional; with the lock of the stop tree held, again for a
///                                                      // stronger reason
///     auto finish_wait();               // gives the result of `co_await`
template <class Source>
class [[nodiscard]] wait_awaiter {
public:
    using resumes_at_home = void;
    explicit wait_awaiter(Source& source) noexcept : waiter_(source) {}
    wait_awaiter(wait_awaiter&&) noexcept = default;  // moved only before it is awaited
    wait_awaiter& operator=(wait_awaiter&&) = delete;
    ~wait_awaiter() = default;

    [[nodiscard]] bool await_ready() noexcept {
        waiter_.check.awaited();
        return false;
    }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
        wait_kind kind = wait_kind::work;
        if constexpr (requires { Source::waits_for; }) kind = Source::waits_for;
        waiter_.prepare(
            h, environment_of_promise(h),
            [](waiter& w) noexcept {
                if constexpr (requires(Source& s) { s.on_stop_request(stop_reason::requested); })
                    static_cast<node&>(w).source.on_stop_request(w.reason());
            },
            kind);
        return waiter_.source.wait(waiter_) && waiter_.commit();
    }
    decltype(auto) await_resume() {
        (void)waiter_.detach();
        return waiter_.source.finish_wait();
    }

private:
    struct node : waiter {
        explicit node(Source& s) noexcept : source(s) {}
        await_check<awaitable_kind::wait> check;
        Source& source;
    };
    node waiter_;
};

}  // namespace cadre::detail
