/// @file
/// A task as an asynchronous operation of Asio.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/system_executor.hpp>

#include <cadre/detail/asio/asio_home.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/scheduler/task_root.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

/// The root of a task whose end calls a handler. Keeps itself alive until it has ended; a cancellation handler may keep
/// it longer.
template <class T, class Handler>
class asio_root final : public task_root {
public:
    asio_root(std::shared_ptr<executor_backend> home, task<T> work, Handler handler)
        : task_root(std::move(home), nullptr, {}), work_(std::move(work)), handler_(std::move(handler)),
          guard_(boost::asio::get_associated_executor(*handler_)) {}

    static void start_one(std::shared_ptr<executor_backend> home, task<T> work, Handler handler) {
        auto root = std::make_shared<asio_root>(std::move(home), std::move(work), std::move(handler));
        auto slot = boost::asio::get_associated_cancellation_slot(*root->handler_);
        if (slot.is_connected())
            slot.assign([weak = std::weak_ptr(root)](boost::asio::cancellation_type) {
                if (const auto alive = weak.lock()) alive->stop().request_stop();
            });
        root->self_ = root;
        if (root->launch()) return;
        root->work_.reset();
        root->call(std::make_exception_ptr(executor_stopped{}));
        root->self_.reset();
    }

private:
    std::coroutine_handle<> start() noexcept override { return begin(work_->frame(), work_->frame().promise()); }
    void ended() noexcept override {
        const auto keep = std::move(self_);
        auto& promise = work_->frame().promise();
        if (promise.failed()) {
            std::exception_ptr error = promise.error();
            work_.reset();  // destroys the task before the handler is called
            call(std::move(error));
        } else if constexpr (std::is_void_v<T>) {
            work_.reset();
            call(nullptr);
        } else {
            T value = promise.take();
            work_.reset();
            call(nullptr, std::move(value));
        }
    }
    template <class... Value>
    void call(std::exception_ptr error, Value&&... value) {
        auto executor = guard_.get_executor();
        if constexpr (std::is_void_v<T>)
            boost::asio::post(executor, [handler = std::move(*handler_), error = std::move(error)]() mutable {
                std::move(handler)(std::move(error));
            });
        else if constexpr (sizeof...(Value) == 0)
            boost::asio::post(executor, [handler = std::move(*handler_), error = std::move(error)]() mutable {
                std::move(handler)(std::move(error), T());
            });
        else
            boost::asio::post(executor,
                              [handler = std::move(*handler_), ... given = std::forward<Value>(value)]() mutable {
                                  std::move(handler)(std::exception_ptr(), std::move(given)...);
                              });
        handler_.reset();
        guard_.reset();
    }

    std::optional<task<T>> work_;
    std::optional<Handler> handler_;
    boost::asio::executor_work_guard<boost::asio::associated_executor_t<Handler>> guard_;
    std::shared_ptr<asio_root> self_;
};

/// The home of a task whose handler is associated with the executor `target`.
template <class Executor>
[[nodiscard]] std::shared_ptr<executor_backend> asio_home_of(const Executor& target) {
    if constexpr (requires { target.home(); }) {
        // A task awaits a task through Asio.
        if (auto home = target.home(); home != nullptr) return home;
        throw executor_stopped{};
    } else if constexpr (!std::is_same_v<Executor, boost::asio::system_executor>) {
        boost::asio::execution_context& context = boost::asio::query(target, boost::asio::execution::context);
        if (auto home = asio_home::of(context); home != nullptr) return home;
        return make_asio_backend(target);
    } else {
        return make_asio_backend(target);
    }
}

template <class T>
struct asio_signature {
    using type = void(std::exception_ptr, T);
};
template <>
struct asio_signature<void> {
    using type = void(std::exception_ptr);
};

template <class T, class Token>
auto start_asio(const executor& home, task<T> work, Token&& token) {
    static_assert(std::is_void_v<T> || std::is_default_constructible_v<T>,
                  "the handler of a task's end gets a value in any case: T must be default-constructible");
    return boost::asio::async_initiate<Token, typename asio_signature<T>::type>(
        [home](auto handler, task<T> task_to_start) {
            using handler_type = decltype(handler);
            std::shared_ptr<executor_backend> where =
                home ? local_backend_of(home) : asio_home_of(boost::asio::get_associated_executor(handler));
            asio_root<T, handler_type>::start_one(std::move(where), std::move(task_to_start), std::move(handler));
        },
        token, std::move(work));
}

}  // namespace cadre::detail
