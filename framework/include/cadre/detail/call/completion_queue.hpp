/// @file
/// Numbers of things that have ended, in that order, for one waiting coroutine.
#pragma once

#include <coroutine>
#include <cstddef>
#include <deque>
#include <mutex>

#include <cadre/detail/coroutine/waiter.hpp>

namespace cadre::detail {

/// Thread-safe on the side of `arrive`; one coroutine waits.
class completion_queue {
public:
    void arrive(std::size_t number);

    class [[nodiscard]] next_awaiter {
    public:
        explicit next_awaiter(completion_queue& line) noexcept : line_(line) {}
        next_awaiter(next_awaiter&& o) noexcept : line_(o.line_) {}
        next_awaiter& operator=(next_awaiter&&) = delete;
        ~next_awaiter() = default;
        [[nodiscard]] static bool await_ready() noexcept { return false; }
        template <class Promise>
        [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
            return line_.wait(waiter_, h, environment_of_promise(h));
        }
        [[nodiscard]] std::size_t await_resume() {
            (void)waiter_.detach();
            return line_.take();
        }

    private:
        completion_queue& line_;
        waiter waiter_;
    };
    /// The next number; waits for work, so a stop request does not end it.
    [[nodiscard]] next_awaiter next() noexcept { return next_awaiter(*this); }

private:
    bool wait(waiter& w, std::coroutine_handle<> h, environment* env) noexcept;
    std::size_t take();

    std::mutex mutex_;
    std::deque<std::size_t> arrived_;
    waiter* waiting_ = nullptr;
};

}  // namespace cadre::detail
