/// @file
/// `executor`: a cheap, copyable handle to where work runs.
///
///     cadre::executor ex = rt.executor();
///     int n = co_await cadre::on(ex, count_words, file);
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <cadre/detail/base/durations.hpp>
#include <cadre/executor_backend.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {
class encoder;
class decoder;
struct call_options;
}  // namespace detail

/// The settings that `executor::with` attaches to every call through the handle that it returns.
struct call_settings {
    std::string_view name{};              ///< of the task, in errors and logs
    std::chrono::nanoseconds timeout{0};  ///< of each call; 0: unlimited
    /// -1000 to 1000. Calls that wait for a worker process are placed by falling priority. No effect on local
    /// executors: their calls do not wait in one queue.
    int priority = 0;
    /// Repeats after the death of a worker process, so without effect on local executors; -1: the executor's own
    /// setting.
    int retries = -1;
};

/// Where work runs: a serial loop, threads, worker processes, … Copies refer to the same executor. The destructor of
/// the last copy does not wait: running work keeps the executor alive. Portable: a task can be given the process
/// executor on which it runs. All members are thread-safe.
class executor {
public:
    static constexpr bool cadre_portable_handle = true;

    /// Refers to no executor: every use throws `std::logic_error`.
    executor() noexcept = default;
    explicit executor(std::shared_ptr<executor_backend> backend) noexcept : backend_(std::move(backend)) {}

    [[nodiscard]] explicit operator bool() const noexcept { return backend_ != nullptr; }
    friend bool operator==(const executor& a, const executor& b) noexcept { return a.backend_ == b.backend_; }

    [[nodiscard]] executor_kind kind() const { return checked().kind(); }
    /// The number of tasks that can compute at the same time.
    [[nodiscard]] std::size_t concurrency() const { return checked().concurrency(); }
    [[nodiscard]] std::string name() const { return checked().name(); }
    [[nodiscard]] executor_stats stats() const { return checked().stats(); }
    /// Requests stop of all work on this executor; new work is still accepted.
    void request_stop() const {
        const std::shared_ptr<executor_backend> keep = backend();  // a stop callback may destroy this handle
        keep->request_stop();
    }

    /// Refuses new work (it fails with `executor_stopped`) and completes when all accepted work has ended; stop of the
    /// work that has not ended at the deadline is requested then. Stop of the awaiting task: brings the deadline
    /// forward to now. Resumes: at home. @throws std::logic_error in a task of this executor, which would wait for
    /// itself
    [[nodiscard]] task<void> shutdown(std::chrono::steady_clock::time_point deadline) const;
    template <class Rep, class Period>
    [[nodiscard]] task<void> shutdown(std::chrono::duration<Rep, Period> deadline) const {
        return shutdown_within(detail::to_nanoseconds(deadline));
    }
    /// Without a deadline: waits until the work ends by itself.
    [[nodiscard]] task<void> shutdown() const { return shutdown(std::chrono::steady_clock::time_point::max()); }

    /// A handle to the same executor whose calls carry `settings`, and those of this handle that `settings` leaves at
    /// its default.
    /// @throws config_error if the limit is negative, the priority out of range, or `retries` below -1
    [[nodiscard]] executor with(const call_settings& settings) const;

    /// The implementation. @throws std::logic_error if this refers to no executor
    [[nodiscard]] const std::shared_ptr<executor_backend>& backend() const {
        (void)checked();
        return backend_;
    }
    [[nodiscard]] std::shared_ptr<executor_backend> take_backend() && {
        (void)checked();
        return std::move(backend_);
    }
    /// The settings of calls through this handle.
    [[nodiscard]] const detail::call_options& options() const noexcept;
    /// The same for a handle to this executor with other settings, which are not checked.
    [[nodiscard]] executor with_options(detail::call_options options) const;

    void encode_handle(detail::encoder& out) const;
    static executor decode_handle(detail::decoder& in);

private:
    [[nodiscard]] executor_backend& checked() const {
        if (backend_ == nullptr) throw_empty();
        return *backend_;
    }
    [[noreturn]] static void throw_empty();
    [[nodiscard]] task<void> shutdown_within(std::chrono::nanoseconds limit) const;

    std::shared_ptr<executor_backend> backend_;
    std::shared_ptr<const detail::call_options> options_;
};

/// Base of the executor types (`serial_executor`, `process_executor`, …): an `executor` whose kind is known at compile
/// time.
class executor_type {
public:
    /// The type-erased handle; through it calls must be portable.
    [[nodiscard]] explicit(false) operator executor() const noexcept { return handle_; }
    [[nodiscard]] const executor& handle() const noexcept { return handle_; }

    [[nodiscard]] executor_kind kind() const { return handle_.kind(); }
    [[nodiscard]] std::size_t concurrency() const { return handle_.concurrency(); }
    [[nodiscard]] std::string name() const { return handle_.name(); }
    [[nodiscard]] executor_stats stats() const { return handle_.stats(); }
    void request_stop() const { handle_.request_stop(); }
    template <class D>
    [[nodiscard]] task<void> shutdown(D deadline) const {
        return handle_.shutdown(deadline);
    }
    [[nodiscard]] task<void> shutdown() const { return handle_.shutdown(); }
    [[nodiscard]] executor with(const call_settings& settings) const { return handle_.with(settings); }

protected:
    explicit executor_type(executor ex) noexcept : handle_(std::move(ex)) {}

private:
    executor handle_;
};

/// Base of the executors whose work stays in this process (`serial_executor`, `thread_executor`): they accept any
/// callable and any movable argument.
class local_executor : public executor_type {
public:
    explicit local_executor(executor ex) noexcept : executor_type(std::move(ex)) {}
};

namespace detail {

/// 128 random bits: another program does not know the identity of a handle that reaches it.
struct executor_identity {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    friend auto operator<=>(const executor_identity&, const executor_identity&) = default;
    /// A new one. @throws std::system_error
    [[nodiscard]] static executor_identity make();
};

/// Makes `executor` handles portable: a remote backend registers under an identity that its processes share.
class portable_identity {
public:
    virtual ~portable_identity() = default;
    [[nodiscard]] virtual executor_identity portable_id() const noexcept = 0;
};
/// Makes handles with this identity decode to `backend` in this process; replaces an earlier one.
void register_portable_executor(const executor_identity& id, std::weak_ptr<executor_backend> backend);

}  // namespace detail
}  // namespace cadre
