/// @file
/// The awaitable of `co_await operation(…, use_task)`.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/system/system_error.hpp>

#include <cadre/detail/asio/asio_wait.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// A function object as a work item, for executors of Asio.
template <class F>
class posted_function : public work_item {
public:
    /// An item for `submit`, which frees itself when it has run. @throws the exceptions of moving `f`
    template <class G>
    [[nodiscard]] static work_item* make(G&& f) {
        frame_allocator<posted_function> memory;
        posted_function* item = memory.allocate(1);
        try {
            return std::construct_at(item, std::forward<G>(f));
        } catch (...) {
            memory.deallocate(item, 1);
            throw;
        }
    }
    template <class G>
    explicit posted_function(G&& f) : function_(std::forward<G>(f)) {
        run = [](work_item* item) noexcept {
            auto* self = static_cast<posted_function*>(item);
            F function(std::move(self->function_));
            std::destroy_at(self);
            frame_allocator<posted_function>().deallocate(
                self, 1);  // before the call: the function may allocate a block of the same size
            set_current_environment(nullptr);
            std::move(function)();
        };
    }

private:
    F function_;
};

/// The executor that is associated with the handler of an awaited operation: runs the steps of the operation on the
/// calling thread, under the lock of the wait; functions that must not run in place are posted to the task's home.
class asio_wait_executor {
public:
    explicit asio_wait_executor(asio_wait& wait) noexcept : wait_(&wait) {}

    template <class F>
    void execute(F&& f) const {
        if (in_place_) {
            run_locked(*wait_, std::forward<F>(f));
            return;
        }
        auto locked = [wait = wait_, function = std::decay_t<F>(std::forward<F>(f))]() mutable {
            run_locked(*wait, std::move(function));
        };
        work_item* item = posted_function<decltype(locked)>::make(std::move(locked));
        wait_->home()->submit(std::span(&item, 1));
    }

    [[nodiscard]] asio_wait_executor require(boost::asio::execution::blocking_t::possibly_t) const noexcept {
        return with(true);
    }
    [[nodiscard]] asio_wait_executor require(boost::asio::execution::blocking_t::never_t) const noexcept {
        return with(false);
    }
    [[nodiscard]] boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) const noexcept {
        return in_place_ ? boost::asio::execution::blocking_t(boost::asio::execution::blocking.possibly)
                         : boost::asio::execution::blocking_t(boost::asio::execution::blocking.never);
    }
    friend bool operator==(const asio_wait_executor&, const asio_wait_executor&) noexcept = default;
    [[nodiscard]] executor_backend* home() const noexcept { return wait_->home(); }

private:
    template <class F>
    static void run_locked(asio_wait& wait, F&& f) {
        struct locked {
            asio_wait& wait;
            explicit locked(asio_wait& w) noexcept : wait(w) { wait.enter(); }
            ~locked() { wait.leave(); }
        } const hold(wait);
        std::forward<F>(f)();
    }
    [[nodiscard]] asio_wait_executor with(bool in_place) const noexcept {
        asio_wait_executor other(*this);
        other.in_place_ = in_place;
        return other;
    }

    asio_wait* wait_;
    bool in_place_ = true;
};

/// The completion handler of an awaited operation; move-only. If it is destroyed without being called, the await ends with
/// `operation_aborted`.
template <class... Args>
class asio_handler {
public:
    /// A wait, and the storage for the result of the operation.
    struct state : asio_wait {
        std::optional<std::tuple<Args...>> result;
    };
    using executor_type = asio_wait_executor;
    using allocator_type = frame_allocator<void>;
    using cancellation_slot_type = boost::asio::cancellation_slot;

    explicit asio_handler(state& s) noexcept : state_(&s) {}
    asio_handler(asio_handler&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    asio_handler& operator=(asio_handler&& other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~asio_handler() {
        if (state_ != nullptr) end([](state&) {});
    }

    [[nodiscard]] executor_type get_executor() const noexcept { return executor_type(*state_); }
    [[nodiscard]] allocator_type get_allocator() const noexcept { return {}; }
    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return state_->slot(); }

    template <class... Actual>
    void operator()(Actual&&... values) {
        end([&](state& s) { s.result.emplace(std::forward<Actual>(values)...); });
    }

private:
    template <class Store>
    void end(Store store) noexcept {
        state& s = *std::exchange(state_, nullptr);
        s.enter();
        if (!s.ended()) {
            store(s);
            s.set_ended();
        }
        s.leave();
    }
    state* state_;
};

/// Throws the error of an operation: `cancelled` if it was aborted because stop was requested.
[[noreturn]] void throw_asio_error(const boost::system::error_code& error, bool stopped);
[[noreturn]] void throw_asio_error(const std::exception_ptr& error, bool stopped);

/// Converts the arguments of a completion to the result of the await, like `use_awaitable`.
template <class... Values>
struct asio_result {
    static auto take(std::tuple<Values...>&& all, bool) {
        if constexpr (sizeof...(Values) == 0)
            return;
        else if constexpr (sizeof...(Values) == 1)
            return std::get<0>(std::move(all));
        else
            return std::move(all);
    }
};
template <class Error, class... Values>
struct asio_failing_result {
    static auto take(std::tuple<Error, Values...>&& all, bool stopped) {
        if (std::get<0>(all)) [[unlikely]]
            throw_asio_error(std::get<0>(all), stopped);
        if constexpr (sizeof...(Values) == 0)
            return;
        else if constexpr (sizeof...(Values) == 1)
            return std::get<1>(std::move(all));
        else
            return std::apply([](Error&, Values&... values) { return std::tuple<Values...>(std::move(values)...); },
                              all);
    }
};
template <class... Values>
struct asio_result<boost::system::error_code, Values...> : asio_failing_result<boost::system::error_code, Values...> {};
template <class... Values>
struct asio_result<std::exception_ptr, Values...> : asio_failing_result<std::exception_ptr, Values...> {};

template <class Signature, class Initiation, class... InitArgs>
class asio_operation;

/// An operation that starts when it is awaited. Resumes at home. A stop request emits Asio's cancellation signal: the await
/// throws `cancelled` if the operation was aborted as a result, and returns the result otherwise.
template <class R, class... Args, class Initiation, class... InitArgs>
class [[nodiscard]] asio_operation<R(Args...), Initiation, InitArgs...> : asio_handler<std::decay_t<Args>...>::state {
    using handler = asio_handler<std::decay_t<Args>...>;

public:
    template <class I, class... A>
    explicit asio_operation(I&& initiation, A&&... args)
        : initiation_(std::forward<I>(initiation)), args_(std::forward<A>(args)...) {}
    asio_operation(asio_operation&&) = default;
    asio_operation& operator=(asio_operation&&) = delete;
    ~asio_operation() = default;

    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> task) {
        if (!this->arm(task, environment_of_promise(task))) return false;
        std::apply([this](InitArgs&... args) { std::move(initiation_)(handler(*this), std::move(args)...); }, args_);
        return this->commit();
    }
    /// @throws cancelled, boost::system::system_error, or the exception of the operation
    auto await_resume() {
        this->settle();
        if (this->refused()) throw cancelled{};
        if (!this->result)
            throw_asio_error(boost::asio::error::make_error_code(boost::asio::error::operation_aborted),
                             this->cancellation_emitted());
        return asio_result<std::decay_t<Args>...>::take(std::move(*this->result), this->cancellation_emitted());
    }

private:
    Initiation initiation_;
    std::tuple<InitArgs...> args_;
};

}  // namespace cadre::detail
