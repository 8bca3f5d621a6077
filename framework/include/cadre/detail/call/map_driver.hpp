/// @file
/// The engine of `map`: takes items from the input, keeps chunks of them in flight, collects what comes back.
#pragma once

#include <algorithm>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/executor.hpp>
#include <cadre/map_options.hpp>
#include <cadre/timeout.hpp>

namespace cadre::detail {

/// Chunks that have ended, on their way to the coroutine that waits for them.
class chunk_inbox {
public:
    struct chunk {
        chunk* next_ended = nullptr;
    };

    /// Any thread.
    void push(chunk& c) noexcept;
    /// Completes with all chunks that have ended since, at least one, oldest first. Waits for work: not cancelled.
    class awaiter {
    public:
        explicit awaiter(chunk_inbox& inbox) noexcept : inbox_(inbox) {}
        awaiter(awaiter&& o) noexcept : inbox_(o.inbox_) {}
        awaiter& operator=(awaiter&&) = delete;
        ~awaiter() = default;
        [[nodiscard]] static bool await_ready() noexcept { return false; }
        template <class Promise>
        [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
            return inbox_.wait(waiter_, h, environment_of_promise(h));
        }
        [[nodiscard]] chunk* await_resume() noexcept {
            (void)waiter_.detach();
            return inbox_.take_all();
        }

    private:
        chunk_inbox& inbox_;
        waiter waiter_;
    };
    [[nodiscard]] awaiter take() noexcept { return awaiter(*this); }

private:
    bool wait(waiter& w, std::coroutine_handle<> h, environment* env) noexcept;
    [[nodiscard]] chunk* take_all() noexcept;

    // A mutex, because it may be destroyed right after the last push has released it; a lock-free push would have to
    // look for a waiter after the map may be gone.
    std::mutex mutex_;
    chunk* first_ = nullptr;
    chunk* last_ = nullptr;
    waiter* waiting_ = nullptr;
};

/// How many items a chunk should hold and how many chunks should be in flight, from what was measured so far.
class map_pace {
public:
    map_pace(const map_options& options, std::size_t concurrency, std::optional<std::size_t> total, bool coroutine);
    /// Items for the next chunk.
    [[nodiscard]] std::size_t chunk() const noexcept { return chunk_; }
    /// Items that may be in flight.
    [[nodiscard]] std::size_t window() const noexcept;
    /// How few have to be in flight before more are sent: short chunks are cheaper sent many at a time.
    [[nodiscard]] std::size_t refill_below() const noexcept;
    void completed(std::size_t items) noexcept;

private:
    std::size_t concurrency_;
    std::optional<std::size_t> total_;
    std::size_t chunk_ = 1;
    std::size_t fixed_window_ = 0;
    bool adapt_ = false;
    bool coroutine_ = false;
    std::size_t done_ = 0;
    std::size_t interval_items_ = 0;
    double item_ns_ = 20'000;
    std::chrono::steady_clock::time_point interval_start_;
};

/// The environment of the coroutine that awaits it.
class [[nodiscard]] environment_awaiter {
public:
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
        env_ = environment_of_promise(h);
        return false;
    }
    [[nodiscard]] environment* await_resume() const noexcept { return env_; }

private:
    environment* env_ = nullptr;
};

/// Whether a call failed because its process died or was ended: what `retries` are for.
[[nodiscard]] bool is_worker_death(const std::exception_ptr& error) noexcept;
/// Whether an error is `cancelled`.
[[nodiscard]] bool is_cancelled(const std::exception_ptr& error) noexcept;

}  // namespace cadre::detail
