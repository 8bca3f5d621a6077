#include <cadre/executor.hpp>

#include "base/random_bytes.hpp"

#include <cstdlib>
#include <map>
#include <mutex>
#include <stdexcept>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/coroutine/wait_awaiter.hpp>
#include <cadre/detail/scheduler/deferred_action.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/errors.hpp>
#include <cadre/sleep.hpp>

namespace cadre {

namespace {

struct portable_executors {
    std::mutex mutex;  // a leaf: guards the table; no executor is destroyed under it
    std::map<detail::executor_identity, std::weak_ptr<executor_backend>> known;
    static portable_executors& instance() {
        static auto* all = new portable_executors;
        return *all;
    }
};

/// A shutdown in progress. A stop request of the waiting task stops the work now; the wait still ends with the work.
class pending_shutdown {
public:
    pending_shutdown(executor_backend& backend, std::chrono::steady_clock::time_point deadline) noexcept
        : backend_(backend), deadline_(deadline) {}

    [[nodiscard]] bool wait(detail::waiter& w) {
        backend_.shutdown(deadline_, [&w] { w.finish(); });
        return true;
    }
    // A backend ends work by force only from its deadline on: so a limit of the waiting task brings the deadline
    // forward.
    void on_stop_request(stop_reason why) noexcept {
        stop_work_.post(
            [](void* context, stop_reason reason) noexcept {
                executor_backend& backend = *static_cast<executor_backend*>(context);
                const auto keep = backend.weak_from_this().lock();  // a stop callback may end the shutdown
                if (reason == stop_reason::requested)
                    backend.request_stop();
                else
                    backend.shutdown(now(), {});
            },
            &backend_, why);
    }
    void finish_wait() noexcept { stop_work_.settle(); }

private:
    executor_backend& backend_;
    std::chrono::steady_clock::time_point deadline_;
    detail::deferred_action stop_work_;
};

// Free functions that take a copy of the handle, because the handle may be a temporary that is destroyed before the
// task starts.
task<void> shut_down(executor self, std::chrono::steady_clock::time_point deadline) {
    const std::shared_ptr<executor_backend> keep = self.backend();
    const detail::environment* const here = detail::current_environment();
    if (here != nullptr && (here->home == keep.get() || (here->info != nullptr && here->info->executor == keep)))
        throw std::logic_error(
            "executor '" + self.name() +
            "': a task of this executor awaits its shutdown, which waits for that task: await it in a "
            "task of another executor");
    pending_shutdown pending(*keep, deadline);
    co_await detail::wait_awaiter(pending);
}

// Its deadline counts from the await.
task<void> shut_down_within(executor self, std::chrono::nanoseconds limit) {
    co_await self.shutdown(detail::deadline_after(now(), limit));
}

}  // namespace

void executor::throw_empty() {
    throw std::logic_error(
        "this cadre::executor refers to no executor: take one from runtime::executor() or make_executor()");
}

task<void> executor::shutdown(std::chrono::steady_clock::time_point deadline) const {
    return shut_down(*this, deadline);
}
task<void> executor::shutdown_within(std::chrono::nanoseconds limit) const { return shut_down_within(*this, limit); }

executor executor::with(const call_settings& settings) const {
    constexpr int max_priority = 1000;
    if (settings.timeout.count() < 0) throw config_error("executor::with: expected a timeout that is not negative");
    if (std::abs(static_cast<long>(settings.priority)) > max_priority)
        throw config_error("executor::with: expected a priority from -1000 to 1000, got " +
                           std::to_string(settings.priority));
    if (settings.retries < -1)
        throw config_error("executor::with: expected retries of at least 0, or -1 for the executor's own, got " +
                           std::to_string(settings.retries));
    executor copy = *this;
    auto options = std::make_shared<detail::call_options>(this->options());
    if (!settings.name.empty()) options->name = settings.name;
    if (settings.timeout.count() != 0) options->timeout = settings.timeout;
    if (settings.priority != 0) options->priority = settings.priority;
    if (settings.retries >= 0) options->retries = settings.retries;
    copy.options_ = std::move(options);
    return copy;
}

const detail::call_options& executor::options() const noexcept {
    static const detail::call_options none;
    return options_ != nullptr ? *options_ : none;
}

executor executor::with_options(detail::call_options options) const {
    executor copy = *this;
    copy.options_ = std::make_shared<const detail::call_options>(std::move(options));
    return copy;
}

void executor::encode_handle(detail::encoder& out) const {
    auto* identity = static_cast<detail::portable_identity*>(backend()->query(typeid(detail::portable_identity)));
    if (identity == nullptr)
        throw not_portable("executor '" + name() + "' is local to its process and cannot be sent to another one");
    const detail::executor_identity id = identity->portable_id();
    detail::encode(out, id.high);
    detail::encode(out, id.low);
}

executor executor::decode_handle(detail::decoder& in) {
    detail::executor_identity id;
    id.high = detail::decode<std::uint64_t>(in);
    id.low = detail::decode<std::uint64_t>(in);
    auto& all = portable_executors::instance();
    const std::lock_guard hold(all.mutex);
    const auto found = all.known.find(id);
    if (found != all.known.end())
        if (auto backend = found->second.lock()) return executor(std::move(backend));
    throw not_portable("the executor of this handle does not exist in this process, or has ended");
}

namespace detail {

executor_identity executor_identity::make() {
    executor_identity id;
    fill_random(&id, sizeof id);
    return id;
}

void register_portable_executor(const executor_identity& id, std::weak_ptr<executor_backend> backend) {
    auto& all = portable_executors::instance();
    const std::lock_guard hold(all.mutex);
    std::erase_if(all.known, [](const auto& each) { return each.second.expired(); });
    all.known[id] = std::move(backend);
}

}  // namespace detail
}  // namespace cadre
