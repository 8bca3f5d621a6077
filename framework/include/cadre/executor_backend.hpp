/// @file
/// The interface behind every `executor`: implement it to bring an executor of your own.
///
///     class inline_backend final : public cadre::executor_backend {
///         cadre::executor_kind kind() const noexcept override { return cadre::executor_kind::custom; }
///         std::size_t concurrency() const noexcept override { return 1; }
///         std::string name() const override { return "inline"; }
///         void submit(std::span<cadre::work_item* const> items) noexcept override;   // queue them for your thread
///     };
///     cadre::executor ex{std::make_shared<inline_backend>()};
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <typeinfo>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/work_item.hpp>
#include <cadre/detail/scheduler/work_registry.hpp>

namespace cadre {

namespace detail {
class heap_domain;
class memory_domain;
class portable_call;
class timer_service;
}  // namespace detail

/// Which family an executor belongs to.
enum class executor_kind : std::uint8_t { serial, thread, process, mpi, cluster, custom };

/// "serial", "thread", …
[[nodiscard]] const char* to_string(executor_kind kind) noexcept;

/// Counters of an executor since it started; a snapshot, not synchronised with running work.
struct executor_stats {
    std::uint64_t submitted = 0;  ///< calls and tasks accepted
    std::uint64_t completed = 0;  ///< of those, ended (with a value or an error)
    std::uint64_t running = 0;    ///< accepted and not ended
    std::uint64_t workers = 0;    ///< live workers
    std::uint64_t restarts = 0;   ///< workers replaced after a death
};

/// Interface version: grows when a virtual function is added.
inline constexpr int executor_backend_version = 1;

/// An executor's implementation. Local executors run `work_item`s in this process; remote ones run portable calls.
///
/// Promises of a local backend: every submitted item's `run` is called exactly once, by a thread of the backend,
/// never from inside `submit`; items submitted by one thread may run in any order and, if `concurrency() > 1`,
/// at the same time. After shutdown items must still run (they are what unwinds the tasks).
class executor_backend : public std::enable_shared_from_this<executor_backend> {
public:
    executor_backend();
    executor_backend(const executor_backend&) = delete;
    executor_backend& operator=(const executor_backend&) = delete;
    virtual ~executor_backend();

    [[nodiscard]] virtual executor_kind kind() const noexcept = 0;
    /// How many tasks can compute at the same time.
    [[nodiscard]] virtual std::size_t concurrency() const noexcept = 0;
    [[nodiscard]] virtual std::string name() const = 0;
    [[nodiscard]] virtual executor_stats stats() const;

    /// Runs items on this executor. Any thread. Only called on local backends.
    virtual void submit(std::span<work_item* const> items) noexcept = 0;

    /// Whether calls leave this process: then `submit(calls)` is used instead of items.
    [[nodiscard]] virtual bool remote() const noexcept { return false; }
    /// Sends calls, in this order, each with its options. Any thread. The backend completes each exactly once.
    virtual void submit(std::span<detail::portable_call* const> calls) noexcept;
    /// Passes a stop request on to a submitted call; with `stop_reason::deadline` the backend ends it by force after
    /// its grace period. The call still completes by itself. Any thread.
    virtual void request_stop(detail::portable_call& call, detail::stop_reason why) noexcept;

    /// Where channels, cells and locks made for this executor live; null: it has none. Default: the heap of this process
    /// for local backends, none for remote ones.
    [[nodiscard]] virtual detail::memory_domain* domain() noexcept;
    /// Deadlines of the tasks at home here. Default: the process-wide service.
    [[nodiscard]] virtual detail::timer_service& timers() noexcept;
    /// A later extension of this interface, by type; null: not supported.
    [[nodiscard]] virtual void* query(const std::type_info& extension) noexcept;

    /// Asks all work on this executor to stop. Any thread.
    virtual void request_stop() noexcept;
    /// Refuses new work from now on; calls `done` (on any thread) when all accepted work has ended. Work that has not
    /// ended at `deadline` is asked to stop then. Idempotent; each call's `done` is called.
    virtual void shutdown(std::chrono::steady_clock::time_point deadline, std::function<void()> done);

    /// The work accepted and not ended: admission control and shutdown for every backend.
    [[nodiscard]] detail::work_registry& registry() noexcept { return registry_; }

private:
    std::unique_ptr<detail::heap_domain> heap_;
    detail::work_registry registry_;
};

}  // namespace cadre
