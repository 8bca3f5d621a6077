/// @file
/// Boost.Asio inside tasks, and tasks inside Asio.
///
///     #include <cadre/asio.hpp>
///     #include <boost/asio/ip/tcp.hpp>
///
///     cadre::task<std::size_t> read_some(boost::asio::ip::tcp::socket& socket, boost::asio::mutable_buffer buffer) {
///         co_return co_await socket.async_read_some(buffer, cadre::use_task);
///     }
///
/// Sockets and timers are made for the executor's own `io_context`: `tcp::socket socket(cadre::asio_context(ex));`.
#pragma once

#if !__has_include(<boost/asio/io_context.hpp>)
#    error "<cadre/asio.hpp> needs the headers of Boost 1.81 or newer (Debian: libboost-dev or libboost1.81-dev)"
#endif

#include <span>
#include <type_traits>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/io_context.hpp>

#include <cadre/detail/asio/asio_bridge.hpp>
#include <cadre/detail/asio/asio_home.hpp>
#include <cadre/detail/asio/asio_operation.hpp>
#include <cadre/detail/asio/asio_settings.hpp>
#include <cadre/executor.hpp>

namespace cadre {

/// The `io_context` of a serial or a thread executor, made at the first call and run by the executor's own threads: the
/// driver of the serial loop, or the workers of the pool. With several workers its handlers run on any of them, at the
/// same time. Inside a task in a worker process, the process executor denotes the worker's own loop.
///
/// It lives as long as the executor; I/O objects that use it must not outlive it. Do not run or stop it. Any thread.
/// @throws not_portable for an executor whose tasks run in other processes
/// @throws config_error for a kind of executor that runs no `io_context`
[[nodiscard]] inline boost::asio::io_context& asio_context(const executor& ex) {
    return detail::asio_context_of(*detail::local_backend_of(ex));
}

/// The executor in Asio's sense, for `post`, `co_spawn`, `bind_executor`, strands, timers and `any_io_executor`: a
/// function becomes an item of the serial loop or the pool; `dispatch` posts. It keeps the executor alive, and so do
/// operations that are bound to it. An exception that leaves a function terminates the program.
///
/// Copyable; all members are thread-safe.
class asio_executor {
public:
    /// @throws not_portable for an executor whose tasks run in other processes
    explicit asio_executor(const executor& ex) : backend_(detail::local_backend_of(ex)) {}

    /// Runs `f` once on the executor, never inside this call.
    template <class F>
    void execute(F&& f) const {
        work_item* item = detail::posted_function<std::decay_t<F>>::make(std::forward<F>(f));
        backend_->submit(std::span(&item, 1));
    }

    /// The executor's `io_context`. @throws config_error for a kind of executor that runs none
    [[nodiscard]] boost::asio::execution_context& query(boost::asio::execution::context_t) const {
        return detail::asio_context_of(*backend_);
    }
    [[nodiscard]] static constexpr boost::asio::execution::blocking_t
    query(boost::asio::execution::blocking_t) noexcept {
        return boost::asio::execution::blocking_t(boost::asio::execution::blocking.never);
    }
    // Outstanding work holds a copy, and every copy keeps the executor alive: work is always tracked.
    [[nodiscard]] static constexpr boost::asio::execution::outstanding_work_t
    query(boost::asio::execution::outstanding_work_t) noexcept {
        return boost::asio::execution::outstanding_work_t(boost::asio::execution::outstanding_work.tracked);
    }

    friend bool operator==(const asio_executor& a, const asio_executor& b) noexcept { return a.backend_ == b.backend_; }

private:
    std::shared_ptr<executor_backend> backend_;
};

/// The type of `use_task`.
struct use_task_t {
    /// An executor whose I/O objects need no token: `co_await socket.async_read_some(buffer)`.
    template <class Inner>
    struct executor_with_default : Inner {
        using default_completion_token_type = use_task_t;
        template <class Other>
            requires(!std::is_same_v<Other, executor_with_default> && std::is_convertible_v<Other, Inner>)
        explicit(false) executor_with_default(const Other& other) noexcept : Inner(other) {}
    };
    /// The I/O object type `T` with `use_task` as its default token.
    template <class T>
    using as_default_on_t =
        typename T::template rebind_executor<executor_with_default<typename T::executor_type>>::other;
    template <class T>
    [[nodiscard]] static as_default_on_t<std::decay_t<T>> as_default_on(T&& object) {
        return as_default_on_t<std::decay_t<T>>(std::forward<T>(object));
    }
};

/// The completion token that makes an asynchronous operation of Asio awaitable in a task.
///
/// Completes with the operation's values (several: a `std::tuple`); an `error_code` is thrown as
/// `boost::system::system_error`, an `exception_ptr` rethrown; `as_tuple(use_task)` gives errors as values. The
/// operation starts when it is awaited; its arguments are stored until then, buffers by reference, as always in Asio.
/// Stop: cancels the operation; the await throws `cancelled` if the operation is aborted for it, and completes with the
/// result if the operation completes nevertheless. If stop was requested before, the operation is not started. Resumes:
/// at home. Thread safety: that of the operation.
inline constexpr use_task_t use_task;

}  // namespace cadre

/// @cond
template <class Signature>
class boost::asio::async_result<cadre::use_task_t, Signature> {
    using signature = typename cadre::detail::asio_plain_signature<Signature>::type;

public:
    // Initiating functions that deduce their return type get an awaitable that does not allocate.
    using return_type = cadre::detail::asio_erased_operation<signature>;

    template <class Initiation, class... Args>
    [[nodiscard]] static auto initiate(Initiation&& initiation, cadre::use_task_t, Args&&... args) {
        return cadre::detail::asio_operation<signature, std::decay_t<Initiation>, std::decay_t<Args>...>(
            std::in_place, std::forward<Initiation>(initiation), std::forward<Args>(args)...);
    }
};
/// @endcond

namespace cadre {

/// Starts `work` as an asynchronous operation of Asio, with any completion token:
/// `co_await as_asio(work(), asio::use_awaitable)` inside `asio::awaitable`. Its signature is
/// `void(std::exception_ptr, T)`, or `void(std::exception_ptr)` for `task<void>`.
///
/// The task's home: the executor whose `io_context` or `asio_executor` the handler's associated executor belongs to; in
/// a context that is not of this library, that context. The handler is called on its associated executor. Asio's
/// cancellation becomes a stop request. `T` must be default-constructible, because a handler receives a value also
/// after an error.
template <class T, class Token>
auto as_asio(task<T> work, Token&& token) {
    detail::require_coroutine(work);
    return detail::start_asio(executor{}, std::move(work), std::forward<Token>(token));
}

/// The same with `home` as the task's home.
template <class T, class Token>
auto as_asio(const executor& home, task<T> work, Token&& token) {
    return detail::start_asio(home, std::move(work), std::forward<Token>(token));
}

}  // namespace cadre
