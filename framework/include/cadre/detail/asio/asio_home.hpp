/// @file
/// From an executor to its `io_context`, and back.
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>

#include <cadre/executor.hpp>

namespace cadre::detail {

/// The service of an `io_context` that stores the executor to which the context belongs.
class asio_home final : public boost::asio::execution_context::service {
public:
    using key_type = asio_home;
    static boost::asio::execution_context::id id;

    explicit asio_home(boost::asio::execution_context& context) : service(context) {}
    asio_home(boost::asio::execution_context& context, executor_backend& backend)
        : service(context), backend_(&backend) {}

    /// The executor to which `context` belongs; null if there is none, or if it is being destroyed.
    [[nodiscard]] static std::shared_ptr<executor_backend> of(boost::asio::execution_context& context);

private:
    void shutdown() override {}
    executor_backend* backend_ = nullptr;
};

/// The local backend that represents `ex` in this process: inside a task of a worker process, the loop of the worker.
/// @throws not_portable if the executor's tasks run elsewhere
[[nodiscard]] std::shared_ptr<executor_backend> local_backend_of(const executor& ex);

/// The `io_context` of a local backend, made at the first call. @throws config_error if its threads run none
[[nodiscard]] boost::asio::io_context& asio_context_of(executor_backend& backend);

/// The context of a local backend, or of the executor that a backend of `make_asio_backend` posts to.
/// @throws config_error if its threads run none
[[nodiscard]] boost::asio::execution_context& asio_execution_context_of(executor_backend& backend);

/// A backend whose items are posted to an executor of Asio; for tasks that are awaited in a context of another library.
/// Its `query(typeid(execution_context))` returns the context.
[[nodiscard]] std::shared_ptr<executor_backend> make_asio_backend(const boost::asio::any_io_executor& target);

}  // namespace cadre::detail
