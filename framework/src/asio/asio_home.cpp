#include <cadre/detail/asio/asio_home.hpp>

#include "asio_reactor.hpp"

#include <atomic>
#include <cstddef>
#include <span>
#include <string>
#include <thread>
#include <typeinfo>
#include <utility>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

#include <cadre/errors.hpp>

namespace cadre::detail {

namespace {

class asio_backend final : public executor_backend {
public:
    explicit asio_backend(boost::asio::any_io_executor target) : target_(std::move(target)) {}
    // The object is destroyed in the target's context, which its owner may destroy directly afterwards. The destructor
    // therefore waits until no other thread posts there.
    ~asio_backend() override {
        while (posting_.load(std::memory_order_acquire) != 0)
            std::this_thread::yield();
    }

    [[nodiscard]] executor_kind kind() const noexcept override { return executor_kind::custom; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return 1; }
    [[nodiscard]] std::string name() const override { return "asio"; }
    [[nodiscard]] void* query(const std::type_info& extension) noexcept override {
        if (extension != typeid(boost::asio::execution_context)) return nullptr;
        return &boost::asio::query(target_, boost::asio::execution::context);
    }
    using executor_backend::submit;
    // Items keep the backend alive: a task that drops the backend may end in one of them.
    void submit(std::span<work_item* const> items) noexcept override {
        posting_.fetch_add(1, std::memory_order_relaxed);
        for (work_item* item : items)
            boost::asio::post(target_, [item, keep = shared_from_this()] {
                item->run(item);
                set_current_environment(nullptr);
            });
        posting_.fetch_sub(1, std::memory_order_release);  // the last access
    }

private:
    boost::asio::any_io_executor target_;
    std::atomic<unsigned> posting_{0};
};

}  // namespace

boost::asio::execution_context::id asio_home::id;

std::shared_ptr<executor_backend> asio_home::of(boost::asio::execution_context& context) {
    if (!boost::asio::has_service<asio_home>(context)) return nullptr;
    executor_backend* backend = boost::asio::use_service<asio_home>(context).backend_;
    return backend != nullptr ? backend->weak_from_this().lock() : nullptr;
}

std::shared_ptr<executor_backend> local_backend_of(const executor& ex) {
    const std::shared_ptr<executor_backend>& backend = ex.backend();
    if (!backend->remote()) return backend;
    const environment* here = current_environment();
    if (here != nullptr && here->info != nullptr && here->info->executor == backend && here->home != nullptr &&
        !here->home->remote())
        return here->home->shared_from_this();
    throw not_portable("the tasks of executor '" + ex.name() + "' (" + to_string(ex.kind()) +
                       ") run in other processes: it has no io_context here; ask for it inside one of its tasks, or "
                       "use a serial or a thread executor");
}

boost::asio::io_context& asio_context_of(executor_backend& backend) {
    auto* place = static_cast<reactor_holder*>(backend.query(typeid(reactor_holder)));
    if (place == nullptr)
        throw config_error("executor '" + backend.name() + "' (" + to_string(backend.kind()) +
                           ") runs no io_context; serial and thread executors do");
    reactor& made = place->get_or_make(
        backend, [](executor_backend& b) -> std::unique_ptr<reactor> { return std::make_unique<asio_reactor>(b); });
    return static_cast<asio_reactor&>(made).context();
}

boost::asio::execution_context& asio_execution_context_of(executor_backend& backend) {
    if (void* const context = backend.query(typeid(boost::asio::execution_context)); context != nullptr)
        return *static_cast<boost::asio::execution_context*>(context);
    return asio_context_of(backend);
}

std::shared_ptr<executor_backend> make_asio_backend(const boost::asio::any_io_executor& target) {
    return std::make_shared<asio_backend>(target);
}

}  // namespace cadre::detail
