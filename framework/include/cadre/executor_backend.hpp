/// @file
/// The interface behind every `executor`: implement it to add an executor of your own.
///
///     class inline_backend final : public cadre::executor_backend {
///         cadre::executor_kind kind() const noexcept override { return cadre::executor_kind::custom; }
///         std::size_t concurrency() const noexcept override { return 1; }
///         std::string name() const override { return "inline"; }
///         void submit(std::span<cadre::work_item* const> items) noexcept override;   // queue them for your thread
///     };
///     cadre::executor ex{std::make_shared<inline_backend>()};
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <typeinfo>

#include <cadre/detail/base/owning_pointer.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/work_item.hpp>
#include <cadre/detail/scheduler/work_registry.hpp>
#include <cadre/executor_stats.hpp>

namespace cadre {

namespace detail {
class heap_domain;
class memory_domain;
class portable_call;
class timer_service;
}  // namespace detail

/// Why stop of work is requested: `requested`; `deadline`, after which a backend may end the work by force; or `kill`,
/// after which a backend that can end work by force must end it.
using stop_reason = detail::stop_reason;
/// A call that leaves this process: function, encoded arguments, options
/// (`<cadre/detail/scheduler/portable_call.hpp>`).
using portable_call = detail::portable_call;
/// The memory that holds channels, cells and locks (`<cadre/detail/state/memory_domain.hpp>`).
using memory_domain = detail::memory_domain;
/// A set of deadlines: `add` and `cancel` (`<cadre/detail/scheduler/timer_service.hpp>`).
using timer_service = detail::timer_service;
/// Admission control and shutdown: the work that an executor has accepted and that has not ended.
using work_registry = detail::work_registry;

/// Which family an executor belongs to.
enum class executor_kind : std::uint8_t { serial, thread, process, mpi, cluster, custom };

/// "serial", "thread", …
[[nodiscard]] const char* to_string(executor_kind kind) noexcept;

/// Interface version: grows when a virtual function is added.
inline constexpr int executor_backend_version = 3;

/// An executor's implementation. Local executors run `work_item`s in this process; remote ones run portable calls.
///
/// Promises of a local backend: every submitted item's `run` is called exactly once, by a thread of the backend,
/// never from inside `submit`; items submitted by one thread may run in any order and, if `concurrency() > 1`,
/// at the same time. Items must run also after a shutdown: they unwind the tasks.
///
/// Locks: the library may hold locks of its own when it calls `submit` with items, `hand_over` or `request_stop`: those
/// of a stop tree, of timers, of a channel or a lock. These functions must not block, except on a short lock of the
/// backend, under which it calls no function of the library; `work_item::run` and `portable_call::complete` are such
/// functions.
class executor_backend : public std::enable_shared_from_this<executor_backend> {
public:
    executor_backend();
    executor_backend(const executor_backend&) = delete;
    executor_backend& operator=(const executor_backend&) = delete;
    virtual ~executor_backend();

    [[nodiscard]] virtual executor_kind kind() const noexcept = 0;
    /// The number of tasks that can compute at the same time.
    [[nodiscard]] virtual std::size_t concurrency() const noexcept = 0;
    [[nodiscard]] virtual std::string name() const = 0;
    [[nodiscard]] virtual executor_stats stats() const;

    /// Queues items to run on this executor. Any thread, perhaps under locks of the library (see above). Only called on
    /// local backends.
    virtual void submit(std::span<work_item* const> items) noexcept = 0;

    /// Gives `item` to a worker that is idle and awake, which begins it at once. Any thread. Only called on local
    /// backends; must not overtake items that are queued. @return false if there is no such worker: the item has not
    /// been taken
    [[nodiscard]] virtual bool hand_over(work_item& item) noexcept;

    /// Whether calls leave this process: then the library submits calls instead of items.
    [[nodiscard]] virtual bool remote() const noexcept { return false; }
    /// Sends calls, in this order, each with its options, and completes each exactly once. Any thread.
    virtual void submit(std::span<portable_call* const> calls) noexcept;
    /// Passes a stop request on to a submitted call; with `stop_reason::deadline` or `kill` the backend ends it by
    /// force after its grace period. The call still completes by itself: with `task_killed` if it was ended by force.
    /// Any thread.
    virtual void request_stop(portable_call& call, stop_reason why) noexcept;

    /// Remote backends: whether the backend enforces `portable_call::options.timeout`. It counts from the begin of the
    /// call, of an item in a chunk, and a call that ends because of it completes with `timed_out`. If not, the library
    /// requests stop of the call, counting from its submission.
    [[nodiscard]] virtual bool limits_calls() const noexcept { return false; }
    /// How often a call whose worker died is repeated, if the call has no number of its own.
    [[nodiscard]] virtual int default_retries() const noexcept { return 0; }

    /// Remote backends: whether calls and replies carry the file descriptors in them (`portable_call::descriptors`). If
    /// not, such a call fails with `not_portable`.
    [[nodiscard]] virtual bool passes_descriptors() const noexcept { return false; }

    /// The memory of channels, cells and locks that are made for this executor; null: such objects are refused.
    /// Default: the heap of this process for local backends, null for remote ones.
    [[nodiscard]] virtual memory_domain* domain() noexcept;
    /// Deadlines of the tasks at home here. Default: the process-wide service.
    [[nodiscard]] virtual timer_service& timers() noexcept;
    /// An extension of this interface, by type; null if it is not supported.
    [[nodiscard]] virtual void* query(const std::type_info& extension) noexcept;

    /// Requests stop of all work on this executor. Any thread.
    virtual void request_stop() noexcept;
    /// Refuses new work from now on; calls `done` (on any thread) when all accepted work has ended. Requests stop of
    /// the work that has not ended at `deadline`. Idempotent; the `done` of each call is called.
    virtual void shutdown(std::chrono::steady_clock::time_point deadline, std::function<void()> done);

    /// For the log handler (`set_log_handler`): reports the start and the end of this executor. The end is reported
    /// once, also by the default `shutdown`, and only if the start was reported. The destructor of the derived class
    /// reports an end without shutdown.
    void report_started() noexcept;
    void report_stopped() noexcept;

    /// The work that this executor has accepted and that has not ended.
    [[nodiscard]] work_registry& registry() noexcept { return registry_; }

private:
    // The state layer implements the constructor, the destructor, `domain` and this one.
    void stop_objects() noexcept;  // channels, cells and locks of this executor fail with executor_stopped from now on

    detail::owning_pointer<detail::heap_domain> heap_;
    work_registry registry_;
    std::atomic<bool> reported_{false};  // true: by `report_started`; false: by `report_stopped`
};

}  // namespace cadre
