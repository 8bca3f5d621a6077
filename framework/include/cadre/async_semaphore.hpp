/// @file
/// `async_semaphore`: limits concurrency between tasks, threads and worker processes.
///
///     cadre::async_semaphore licences{ex, 3};
///     auto permit = co_await licences.acquire();   // returned when it goes out of scope
#pragma once

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/state_objects.hpp>
#include <cadre/executor.hpp>

namespace cadre {

/// A counting semaphore in the memory domain of an executor. All copies of the handle, also those in worker processes, refer to
/// the same semaphore. Permits of a process that dies are freed. All members are thread-safe.
class async_semaphore {
public:
    static constexpr bool cadre_portable_handle = true;

    /// One acquired permit, returned on destruction. Movable; may be destroyed on any thread.
    class permit {
    public:
        explicit permit(std::shared_ptr<detail::shared_semaphore> from) noexcept : from_(std::move(from)) {}
        permit(permit&&) noexcept = default;
        permit& operator=(permit&& other) noexcept {
            if (this != &other) {
                give_back();
                from_ = std::move(other.from_);
            }
            return *this;
        }
        ~permit() { give_back(); }

        /// Returns the permit before the end of the scope.
        void give_back() noexcept {
            if (const auto from = std::exchange(from_, nullptr)) from->give_back(1);
        }
        /// False once returned or moved from.
        [[nodiscard]] explicit operator bool() const noexcept { return from_ != nullptr; }

    private:
        std::shared_ptr<detail::shared_semaphore> from_;
    };

    class [[nodiscard]] acquire_operation {
    public:
        explicit acquire_operation(std::shared_ptr<detail::shared_semaphore> from) noexcept : from_(std::move(from)) {}
        [[nodiscard]] bool await_ready() noexcept;
        template <class Promise>
        [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
            return suspend(handle, detail::environment_of(handle));
        }
        [[nodiscard]] permit await_resume();

    private:
        [[nodiscard]] bool suspend(std::coroutine_handle<> handle, detail::environment* env) noexcept;

        std::shared_ptr<detail::shared_semaphore> from_;
        detail::op_status outcome_ = detail::op_status::would_block;
        std::optional<detail::shared_object::pending_operation> wait_;
    };

    /// A semaphore with `permits` free permits.
    /// @throws std::invalid_argument if negative or above 2^32-1
    /// @throws not_portable if `ex` has no memory domain, executor_stopped after its shutdown, std::bad_alloc
    template <std::integral N>
    async_semaphore(const executor& ex, N permits)
        : semaphore_(detail::domain_of(ex).make_semaphore(checked(permits))) {}

    /// Completes with a permit. Waiters of one process are served in the order of arrival. Stop: a free permit is acquired also
    /// by a task with a stop request; a wait ends with `cancelled` without a permit. Resumes at home.
    /// @throws cancelled, executor_stopped
    [[nodiscard]] acquire_operation acquire() const { return acquire_operation(semaphore_); }
    /// Acquires a permit if one is free and no task of this process waits for one; else empty. @throws executor_stopped
    [[nodiscard]] std::optional<permit> try_acquire() const;
    /// Adds `n` free permits to those that exist. @throws std::invalid_argument if negative
    template <std::integral N = int>
    void release(N n = 1) const {
        semaphore_->release(checked(n));
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

    std::shared_ptr<detail::shared_semaphore> semaphore_;
};

}  // namespace cadre
