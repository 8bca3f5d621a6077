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

/// The completion handler of an awaited operation; move-only. If it is destroyed without being called, the await ends
/// with `operation_aborted`.
template <class... Args>
class asio_handler {
public:
    /// A wait, and the storage for the result of the operation.
    struct state : asio_wait {
        std::optional<std::tuple<Args...>> result;
    };
    using executor_type = asio_strand_executor;
    using allocator_type = frame_allocator<void>;
    using cancellation_slot_type = boost::asio::cancellation_slot;

    explicit asio_handler(state& s) noexcept : state_(&s) {}
    asio_handler(asio_handler&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    asio_handler& operator=(asio_handler&& other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~asio_handler() {
        if (state_ != nullptr) std::exchange(state_, nullptr)->end();
    }

    [[nodiscard]] executor_type get_executor() const noexcept { return executor_type(state_->strand()); }
    [[nodiscard]] allocator_type get_allocator() const noexcept { return {}; }
    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return state_->strand().slot(); }

    template <class... Actual>
    void operator()(Actual&&... values) {
        state_->result.emplace(std::forward<Actual>(values)...);
        std::exchange(state_, nullptr)->end();
    }

private:
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

/// The signature without `&`, `&&` and `noexcept`.
template <class Signature>
struct asio_plain_signature;
template <class R, class... Args>
struct asio_plain_signature<R(Args...)> {
    using type = R(Args...);
};
template <class R, class... Args>
struct asio_plain_signature<R(Args...) &> : asio_plain_signature<R(Args...)> {};
template <class R, class... Args>
struct asio_plain_signature<R(Args...) &&> : asio_plain_signature<R(Args...)> {};
template <class R, class... Args>
struct asio_plain_signature<R(Args...) noexcept> : asio_plain_signature<R(Args...)> {};
template <class R, class... Args>
struct asio_plain_signature<R(Args...) & noexcept> : asio_plain_signature<R(Args...)> {};
template <class R, class... Args>
struct asio_plain_signature<R(Args...) && noexcept> : asio_plain_signature<R(Args...)> {};

template <class Signature>
struct asio_handler_for;
template <class R, class... Args>
struct asio_handler_for<R(Args...)> {
    using type = asio_handler<std::decay_t<Args>...>;
};
template <class Signature>
using asio_handler_of = typename asio_handler_for<Signature>::type;

/// An operation that starts when it is awaited: `start(handler)` of `Start` starts it. Resumes at home. A stop request
/// emits Asio's cancellation signal: the await throws `cancelled` if the operation was aborted as a result, and returns
/// the result otherwise.
template <class Signature, class Start>
class asio_awaiter;
template <class R, class... Args, class Start>
class [[nodiscard]] asio_awaiter<R(Args...), Start> : asio_handler<std::decay_t<Args>...>::state {
public:
    using resumes_at_home = void;
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> task) {
        if (!this->arm(task, environment_of_promise(task))) return false;
        start_.start(asio_handler<std::decay_t<Args>...>(*this));
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

protected:
    explicit asio_awaiter(Start start) : start_(std::move(start)) {}
    [[nodiscard]] Start& start() noexcept { return start_; }

private:
    Start start_;
};

/// An initiation and its arguments.
template <class Initiation, class... InitArgs>
struct asio_start {
    Initiation initiation;
    std::tuple<InitArgs...> args;

// Libraries pass the literal 0 for a parameter of type std::size_t.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
    template <class Handler>
    void start(Handler handler) {
        std::apply([&](InitArgs&... values) { std::move(initiation)(std::move(handler), std::move(values)...); }, args);
    }
#pragma GCC diagnostic pop
};

/// The same, of a type that does not depend on them; one allocation.
template <class Handler>
class asio_erased_start {
public:
    template <class Start>
    explicit asio_erased_start(Start start) : held_(std::make_unique<holder<Start>>(std::move(start))) {}
    void start(Handler handler) { held_->start(std::move(handler)); }

private:
    struct base {
        base() noexcept = default;
        base(const base&) = delete;
        base& operator=(const base&) = delete;
        virtual ~base() = default;
        virtual void start(Handler handler) = 0;
    };
    template <class Start>
    struct holder final : base {
        explicit holder(Start s) : held(std::move(s)) {}
        void start(Handler handler) override { held.start(std::move(handler)); }
        Start held;
    };
    std::unique_ptr<base> held_;
};

/// The result of an initiating function for `use_task`.
template <class Signature, class Initiation, class... InitArgs>
class [[nodiscard]] asio_operation : public asio_awaiter<Signature, asio_start<Initiation, InitArgs...>> {
    using start_type = asio_start<Initiation, InitArgs...>;
    using base = asio_awaiter<Signature, start_type>;

public:
    template <class I, class... A>
    explicit asio_operation(std::in_place_t, I&& initiation, A&&... args)
        : base(start_type{std::forward<I>(initiation), std::tuple<InitArgs...>(std::forward<A>(args)...)}) {}

    /// For an adapter or a stream whose initiating function has to name its return type.
    [[nodiscard]] start_type release() && { return std::move(this->start()); }
};

/// The `return_type` of `async_result`: any operation with this signature.
template <class Signature>
class [[nodiscard]] asio_erased_operation
    : public asio_awaiter<Signature, asio_erased_start<asio_handler_of<Signature>>> {
    using start_type = asio_erased_start<asio_handler_of<Signature>>;
    using base = asio_awaiter<Signature, start_type>;

public:
    template <class Initiation, class... InitArgs>
    explicit(false) asio_erased_operation(asio_operation<Signature, Initiation, InitArgs...>&& operation)
        : base(start_type(std::move(operation).release())) {}
};

}  // namespace cadre::detail
