/// @file
/// `shared_task<T>`: a task whose copies await one run.
///
///     cadre::shared_task<std::string> page(fetch(url));
///     std::cout << co_await page << (co_await page).size();    // fetched once
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <cadre/detail/task/shared_run.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

template <class T>
class shared_result final : public shared_run {
    static constexpr bool is_void = std::is_void_v<T>;
    using stored =
        std::conditional_t<is_void, bool,
                           std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, std::optional<T>>>;

public:
    /// Before the first wait.
    void set_body(task<T> body) noexcept { body_ = std::move(body); }
    /// After the end of the run.
    [[nodiscard]] decltype(auto) get() const {
        if (error_ != nullptr) std::rethrow_exception(error_);
        if constexpr (std::is_reference_v<T>)
            return static_cast<T>(*value_);
        else if constexpr (!is_void)
            return *value_;
    }

private:
    [[nodiscard]] promise_base& promise() noexcept override { return body_.frame().promise(); }
    void fail(std::exception_ptr error) noexcept override { error_ = std::move(error); }
    void store_result() noexcept override {
        if (error_ == nullptr) {
            try {
                if constexpr (is_void) {
                    body_.frame().promise().take();
                } else if constexpr (std::is_reference_v<T>) {
                    auto&& referred = body_.frame().promise().take();
                    value_ = std::addressof(referred);
                } else {
                    value_.emplace(body_.frame().promise().take());
                }
            } catch (...) {
                error_ = std::current_exception();
            }
        }
        body_ = {};
    }

    task<T> body_;
    stored value_{};
    std::exception_ptr error_;
};

}  // namespace detail

/// A lazy task that any number of coroutines may await, on any executor, through copies of one `shared_task`: the first
/// await starts it, at its home and with its identity, and all get the same result. It may be the return type of a
/// coroutine. Copying and awaiting are thread-safe.
///
/// `co_await` gives a `const T&` (for a reference type `T` that reference, for `void` nothing), which lives as long as
/// a copy of the `shared_task`, or rethrows the exception. Stop: an awaiting task completes immediately with
/// `cancelled` while others wait; the last one passes the request on, and ends with the run. So the run is stopped only
/// when all waiting tasks have been stopped. A task that is stopped already does not start the run. Resumes: at home.
template <class T = void>
class [[nodiscard]] shared_task {
public:
    using value_type = T;
    static constexpr bool cadre_process_bound = true;

    class promise_type : public detail::task_promise<T> {
    public:
        // The return object has allocated before the coroutine belongs to it.
        promise_type() : run_(std::make_shared<detail::shared_result<T>>()) {}
        [[nodiscard]] shared_task get_return_object() noexcept {
            run_->set_body(detail::task_promise<T>::get_return_object());
            return shared_task(std::move(run_));
        }

    private:
        std::shared_ptr<detail::shared_result<T>> run_;
    };

    shared_task() noexcept = default;
    /// @throws std::logic_error if `t` is empty
    explicit(false) shared_task(task<T> t) {
        detail::require_coroutine(t);
        run_ = std::make_shared<detail::shared_result<T>>();
        run_->set_body(std::move(t));
    }

    /// Whether this refers to a task.
    [[nodiscard]] explicit operator bool() const noexcept { return run_ != nullptr; }
    /// Whether the task has ended: then awaiting it does not wait.
    [[nodiscard]] bool ready() const noexcept { return run_ != nullptr && run_->ended(); }
    /// Whether both are copies of one `shared_task`.
    friend bool operator==(const shared_task& a, const shared_task& b) noexcept { return a.run_ == b.run_; }

    class awaiter {
    public:
        using resumes_at_home = void;
        explicit awaiter(std::shared_ptr<detail::shared_result<T>> run) noexcept : run_(std::move(run)) {}
        [[nodiscard]] static bool await_ready() noexcept { return false; }
        template <class Promise>
        [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) {
            return run_->wait(wait_, h, detail::environment_of_promise(h));
        }
        decltype(auto) await_resume() {
            wait_.complete();
            return std::as_const(*run_).get();
        }

    private:
        std::shared_ptr<detail::shared_result<T>> run_;
        detail::shared_wait wait_;
    };

    /// @throws std::logic_error if this refers to no task
    [[nodiscard]] awaiter operator co_await() const {
        if (run_ == nullptr) detail::throw_empty_task();
        return awaiter(run_);
    }

private:
    explicit shared_task(std::shared_ptr<detail::shared_result<T>> run) noexcept : run_(std::move(run)) {}

    std::shared_ptr<detail::shared_result<T>> run_;
};

}  // namespace cadre

template <class T, class... Parameters>
struct std::coroutine_traits<cadre::shared_task<T>, Parameters...> {
    using promise_type =
        typename cadre::detail::promise_for<typename cadre::shared_task<T>::promise_type, Parameters...>::type;
};
