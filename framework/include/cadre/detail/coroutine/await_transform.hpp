/// @file
/// What tasks and the bodies of streams do with the operand of `co_await`: awaitables of this library are awaited
/// as they are, those of others through a `foreign_awaiter`, which resumes at home.
#pragma once

#include <coroutine>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <cadre/detail/coroutine/awaitable.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/detail/coroutine/waiter.hpp>

namespace cadre::detail {

/// An awaitable that resumes at home by itself, marked by the member type `resumes_at_home`.
template <class A>
concept home_awaitable = requires { typename std::remove_cvref_t<A>::resumes_at_home; };

#ifndef __clang__
/// A reference to an awaiter. g++ 12 copies a referenced awaiter that `await_transform` returns.
template <class A>
class awaiter_reference {
public:
    [[gnu::always_inline]] explicit awaiter_reference(A& awaiter) noexcept : awaiter_(awaiter) {}
    [[nodiscard, gnu::always_inline]] bool await_ready() noexcept(noexcept(std::declval<A&>().await_ready())) {
        return awaiter_.await_ready();
    }
    template <class Promise>
    [[gnu::always_inline]] decltype(auto)
    await_suspend(std::coroutine_handle<Promise> h) noexcept(noexcept(std::declval<A&>().await_suspend(h))) {
        return awaiter_.await_suspend(h);
    }
    [[gnu::always_inline]] decltype(auto) await_resume() noexcept(noexcept(std::declval<A&>().await_resume())) {
        return awaiter_.await_resume();
    }

private:
    A& awaiter_;
};
#endif

/// The coroutine that a foreign awaiter resumes instead of the task. Its only step is `waiter::finish`, which posts the
/// task to its home, on whichever thread, inside whichever call it is resumed.
class home_bridge {
public:
    struct promise_type {
        environment* env = nullptr;
        waiter* task = nullptr;

        struct final_awaiter {
            [[nodiscard]] static bool await_ready() noexcept { return false; }
            // Suspended already: the task may destroy this coroutine before `finish` returns.
            static void await_suspend(std::coroutine_handle<promise_type> self) noexcept {
                self.promise().task->finish();
            }
            static void await_resume() noexcept {}
        };

        static void* operator new(std::size_t size) { return allocate_frame(size); }
        static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }
        [[nodiscard]] home_bridge get_return_object() noexcept {
            return home_bridge(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        [[nodiscard]] static std::suspend_always initial_suspend() noexcept { return {}; }
        [[nodiscard]] static final_awaiter final_suspend() noexcept { return {}; }
        static void return_void() noexcept {}
        static void unhandled_exception() noexcept {}
        /// For awaitables of this library inside those of others.
        [[nodiscard]] environment* cadre_environment() const noexcept { return env; }
    };

    home_bridge() noexcept = default;
    home_bridge(home_bridge&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    home_bridge& operator=(home_bridge&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~home_bridge() {
        if (frame_) frame_.destroy();
    }

    [[nodiscard]] static home_bridge make(environment* env, waiter& task);
    [[nodiscard]] std::coroutine_handle<promise_type> handle() const noexcept { return frame_; }

private:
    explicit home_bridge(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    static home_bridge body();

    std::coroutine_handle<promise_type> frame_;
};

/// Awaits an awaitable of another library. Whichever thread resumes it, from wherever, also inside `await_suspend` or a
/// stop callback, the task continues at home. An awaitable that is ready costs nothing more. A stop request does not
/// end the wait: the other library does that, if it knows of the request.
template <class A>
class [[nodiscard]] foreign_awaiter {
    static constexpr bool has_operator = has_member_co_await<A> || has_free_co_await<A>;
    using awaiter = decltype(get_awaiter(std::declval<A>()));
    using stored = std::remove_reference_t<awaiter>;
    static constexpr bool owns_awaiter = has_operator && !std::is_reference_v<awaiter>;

public:
    explicit foreign_awaiter(A&& awaitable) noexcept : awaitable_(awaitable) {}
    foreign_awaiter(foreign_awaiter&& other) noexcept
        : awaitable_(other.awaitable_) {}  // moved only before it is awaited
    foreign_awaiter& operator=(foreign_awaiter&&) = delete;
    ~foreign_awaiter() {
        if constexpr (owns_awaiter)
            if (awaiter_ != nullptr) std::destroy_at(awaiter_);
    }

    [[nodiscard]] bool await_ready() {
        if constexpr (owns_awaiter)
            awaiter_ = ::new (static_cast<void*>(memory_)) stored(get_awaiter(static_cast<A&&>(awaitable_)));
        else if constexpr (has_operator)
            set(get_awaiter(static_cast<A&&>(awaitable_)));
        else
            awaiter_ = std::addressof(awaitable_);
        return static_cast<bool>(awaiter_->await_ready());
    }
    template <class Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> task) {
        environment* const env = environment_of_promise(task);
        waiter_.prepare(task, env, [](waiter&) noexcept {}, wait_kind::foreign);  // listed, but not ended, by stop
        bridge_ = home_bridge::make(env, waiter_);
        std::coroutine_handle<> next = std::noop_coroutine();
        using returned = decltype(awaiter_->await_suspend(bridge_.handle()));
        if constexpr (std::is_void_v<returned>) {
            awaiter_->await_suspend(bridge_.handle());
        } else if constexpr (std::is_same_v<returned, bool>) {
            if (!awaiter_->await_suspend(bridge_.handle())) return back_to(task, env);
        } else {
            next = awaiter_->await_suspend(bridge_.handle());
            if (next == bridge_.handle()) return back_to(task, env);
            if (waiter_.commit()) return next;
            post_home(waiter_);  // resumed already; `next` comes first
            return next;
        }
        return waiter_.commit() ? next : back_to(task, env);
    }
    decltype(auto) await_resume() {
        (void)waiter_.detach();
        return awaiter_->await_resume();
    }

private:
    void set(stored&& from_operator) noexcept { awaiter_ = std::addressof(from_operator); }
    void set(stored& from_operator) noexcept { awaiter_ = std::addressof(from_operator); }
    // Code inside `await_suspend` may have changed the environment of the thread.
    [[nodiscard]] static std::coroutine_handle<> back_to(std::coroutine_handle<> task, environment* env) noexcept {
        set_current_environment(env);
        return task;
    }

    std::remove_reference_t<A>& awaitable_;
    stored* awaiter_ = nullptr;
    alignas(owns_awaiter ? alignof(stored) : 1) unsigned char memory_[owns_awaiter ? sizeof(stored) : 1];
    waiter waiter_;
    home_bridge bridge_;
};

/// What a refused co_await gives: it converts to every type, so that the sentence of the refusal is the only error.
struct refused_await : std::suspend_never {
    struct any_value {
        template <class T>
        operator T() const noexcept;  // never called
    };
    using resumes_at_home = void;
    any_value await_resume() const noexcept;
};

template <class A>
inline constexpr bool awaited_by_moving = std::is_lvalue_reference_v<A> && awaitable<std::remove_reference_t<A>>;
template <class A>
inline constexpr bool has_next = requires(A a) { get_awaiter(a.next()); };

/// The base of promises whose coroutines have a home.
struct awaits_at_home {
    template <class A>
        requires(!awaitable<A>)
    [[nodiscard]] static decltype(auto) await_transform([[maybe_unused]] A&& a) {
        static_assert(awaitable<A> || !awaited_by_moving<A>,
                      "co_await of a variable that is awaited by moving it, as a task is: write co_await std::move(t); "
                      "its result is taken once");
        static_assert(awaitable<A> || !has_next<A>, "a stream is not awaited itself: write co_await s.next()");
        static_assert(
            awaitable<A> || awaited_by_moving<A> || has_next<A>,
            "co_await of something that is no awaitable: neither it nor its operator co_await has await_ready "
            "and await_resume");
        if constexpr (awaited_by_moving<A>)
            return get_awaiter(std::move(a));
        else
            return refused_await();
    }
    template <class A>
        requires awaitable<A>
    [[nodiscard, gnu::always_inline]] static decltype(auto) await_transform(A&& a) {
        using awaiter = decltype(get_awaiter(std::declval<A>()));
        if constexpr (!home_awaitable<awaiter>) {
            return foreign_awaiter<A>(std::forward<A>(a));
        } else if constexpr ((has_member_co_await<A> || has_free_co_await<A>) && !std::is_reference_v<awaiter>) {
            return get_awaiter(std::forward<A>(a));
        } else {
            auto&& own = get_awaiter(std::forward<A>(a));
#ifdef __clang__
            return static_cast<std::remove_reference_t<awaiter>&>(own);
#else
            return awaiter_reference<std::remove_reference_t<awaiter>>(own);
#endif
        }
    }
};

}  // namespace cadre::detail
