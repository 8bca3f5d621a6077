/// @file
/// `async_semaphore`: limits concurrency between tasks, threads and worker processes.
///
///     cadre::async_semaphore licences{ex, 3};
///     auto permit = co_await licences.acquire();   // returned when it goes out of scope
///     auto three = co_await licences.acquire(3);   // all at once
#pragma once

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include <cadre/detail/base/late_object.hpp>
#include <cadre/detail/coroutine/await_check.hpp>
#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/state_objects.hpp>
#include <cadre/executor.hpp>

namespace cadre {

namespace detail {

/// A coroutine that waits for permits.
struct permit_wait : shared_object::pending_operation {
    std::uint32_t count = 1;

    static op_status retry(pending_operation& p) noexcept {
        return static_cast<shared_semaphore*>(p.object)->try_acquire(static_cast<permit_wait&>(p).count);
    }
};

}  // namespace detail

/// A counting semaphore in the memory domain of an executor. All copies of the handle, also those in worker processes,
/// refer to the same semaphore. Permits of a process that dies are freed. All members are thread-safe.
class async_semaphore {
public:
    static constexpr bool cadre_portable_handle = true;

    /// Acquired permits, returned on destruction. Movable; may be destroyed on any thread.
    class [[nodiscard]] permit {
    public:
        explicit permit(std::shared_ptr<detail::shared_semaphore> from, std::uint32_t count = 1) noexcept
            : from_(std::move(from)), count_(count) {}
        permit(permit&&) noexcept = default;
        permit& operator=(permit&& other) noexcept {
            if (this != &other) {
                give_back();
                from_ = std::move(other.from_);
                count_ = other.count_;
            }
            return *this;
        }
        ~permit() { give_back(); }

        /// Returns the permits before the end of the scope.
        void give_back() noexcept {
            if (const auto from = std::exchange(from_, nullptr)) from->give_back(count_);
        }
        /// The permits are never returned, also not at the end of this process: they cease to exist. `release` may
        /// add others.
        void forget() noexcept {
            if (const auto from = std::exchange(from_, nullptr)) from->forget(count_);
        }
        /// The number of permits; 0 once returned, forgotten or moved from.
        [[nodiscard]] std::uint32_t count() const noexcept { return from_ != nullptr ? count_ : 0; }
        /// False once returned, forgotten or moved from.
        [[nodiscard]] explicit operator bool() const noexcept { return from_ != nullptr; }

    private:
        std::shared_ptr<detail::shared_semaphore> from_;
        std::uint32_t count_;
    };

    class [[nodiscard]] acquire_operation {
    public:
        using resumes_at_home = void;
        acquire_operation(std::shared_ptr<detail::shared_semaphore> from, std::uint32_t count) noexcept
            : from_(std::move(from)), count_(count) {}
        [[nodiscard]] bool await_ready() noexcept;
        template <class Promise>
        [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
            return suspend(handle, detail::environment_of(handle));
        }
        [[nodiscard]] permit await_resume();

    private:
        [[nodiscard]] bool suspend(std::coroutine_handle<> handle, detail::environment* env) noexcept;

        std::shared_ptr<detail::shared_semaphore> from_;
        std::uint32_t count_;
        detail::op_status outcome_ = detail::op_status::would_block;
        detail::await_check<detail::awaitable_kind::acquire> check_;
        detail::late_object<detail::permit_wait> wait_;
    };

    /// A move copies: the handle that was moved from stays usable.
    async_semaphore(const async_semaphore&) = default;
    async_semaphore& operator=(const async_semaphore&) = default;

    /// A semaphore with `permits` free permits.
    /// @throws std::invalid_argument if negative or above 2^32-1
    /// @throws not_portable if `ex` has no memory domain, executor_stopped after its shutdown, std::bad_alloc
    template <std::integral N>
    async_semaphore(const executor& ex, N permits)
        : semaphore_(detail::domain_of(ex).make_semaphore(checked(permits))) {}

    /// Completes with `n` permits, acquired all at once. Waiters of one process are served in the order of arrival, so
    /// a later waiter for fewer permits does not overtake. Stop: free permits are acquired also by a task with a stop
    /// request; a wait ends with `cancelled` without a permit. Resumes at home.
    /// @throws std::invalid_argument unless `n` is positive and at most 2^32-1; cancelled, executor_stopped
    template <std::integral N = int>
    [[nodiscard]] acquire_operation acquire(N n = 1) const {
        return acquire_operation(semaphore_, positive(n));
    }
    /// Acquires `n` permits if they are free and no task of this process waits; else empty.
    /// @throws std::invalid_argument as `acquire`, executor_stopped
    template <std::integral N = int>
    [[nodiscard]] std::optional<permit> try_acquire(N n = 1) const {
        return try_acquire_permits(positive(n));
    }
    /// Adds `n` free permits to those that exist.
    /// @throws std::invalid_argument if negative or above 2^32-1; std::overflow_error, without effect, if more than
    ///         2^32-1 permits, free or acquired, would exist
    template <std::integral N = int>
    void release(N n = 1) const {
        if (const std::uint32_t count = checked(n); count != 0) release_permits(count);
    }
    /// The number of free permits: a snapshot.
    [[nodiscard]] std::uint32_t available() const noexcept { return semaphore_->available(); }

    void encode_handle(detail::encoder& out) const { semaphore_->encode(out); }
    static async_semaphore decode_handle(detail::decoder& in);

    friend bool operator==(const async_semaphore& a, const async_semaphore& b) noexcept {
        return a.semaphore_ == b.semaphore_;
    }

private:
    explicit async_semaphore(std::shared_ptr<detail::shared_semaphore> semaphore) noexcept
        : semaphore_(std::move(semaphore)) {}

    template <class N>
    static std::uint32_t checked(N n) {
        if (std::cmp_less(n, 0)) throw std::invalid_argument("cadre::async_semaphore: a number of permits is negative");
        if (std::cmp_greater(n, std::numeric_limits<std::uint32_t>::max()))
            throw std::invalid_argument("cadre::async_semaphore: too many permits");
        return static_cast<std::uint32_t>(n);
    }

    template <class N>
    static std::uint32_t positive(N n) {
        if (std::cmp_equal(n, 0)) throw std::invalid_argument("cadre::async_semaphore: a number of permits is zero");
        return checked(n);
    }

    [[nodiscard]] std::optional<permit> try_acquire_permits(std::uint32_t n) const;
    void release_permits(std::uint32_t n) const;

    std::shared_ptr<detail::shared_semaphore> semaphore_;
};

}  // namespace cadre
