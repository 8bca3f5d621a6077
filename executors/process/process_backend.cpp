#include "process/process_backend.hpp"

#include "common/completion_scope.hpp"
#include "common/concurrency.hpp"
#include "common/deferred_destruction.hpp"
#include "common/worker_memory.hpp"
#include "process/os/bootstrap.hpp"
#include "process/parent/reports.hpp"
#include "process/parent/start_failure.hpp"
#include "process/process_pool.hpp"
#include "process/worker/worker_main.hpp"

#include <cadre/detail/scheduler/shutdown_alarm.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/process.hpp>

#include <exception>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

namespace cadre {

namespace detail {

namespace {

// Before `bootstrap`, which may turn this process into a worker.
const bool worker_main_is_set = (process_os::set_worker_main(&process_worker::worker_main), true);

std::string default_name(const process_options& options) {
    if (!options.name.empty()) return std::string(options.name);
    return "process:" + std::to_string(resolve_workers(options.workers));
}

// A configuration file cannot contain these values, but options in code can.
void check(const process_options& options) {
    if (options.task_timeout.count() < 0) throw config_error("task_timeout: expected a limit that is not negative");
    if (options.kill_grace.count() < 0) throw config_error("kill_grace: expected a duration that is not negative");
    if (options.retries < 0)
        throw config_error("retries: expected a number that is not negative, got " + std::to_string(options.retries));
    check_affinity(options.affinity);
    check_memory_limits(options.memory_soft_limit, options.memory_limit);
}

// The last reference may be dropped by a thread of the pool that completes a call: another thread destroys the pool
// then.
std::shared_ptr<process_parent::pool> make_pool(const process_options& options, std::string name, pool_role role,
                                                work_registry& registry) {
    return {new process_parent::pool(options, std::move(name), std::move(role), registry), [](process_parent::pool* p) {
                if (!p->here()) return;  // a fork: the workers are its parent's
                if (completion_scope::active())
                    defer_destruction("executor '" + p->name() + "'", [p] { delete p; });
                else
                    delete p;
            }};
}

}  // namespace

process_backend::process_backend(const process_options& options, pool_role role)
    : pool_(make_pool(options, default_name(options), std::move(role), registry())), completions_(*pool_) {
    registry().bind_to_process();
}

std::shared_ptr<process_backend> process_backend::create(const process_options& options, pool_role role) {
    check(options);
    std::shared_ptr<process_backend> made(new process_backend(options, std::move(role)), &release);
    process_parent::report_executor_started(made->pool_->name(), made->pool_->workers());
    try {
        made->pool_->start();
    } catch (...) {
        process_parent::report_executor_stopped(made->pool_->name());
        throw;
    }
    made->supervisor_.emplace(made->pool_);
    add_event_source(made->completions_);
    made->polled_ = true;
    register_portable_executor(made->portable_id(), made);
    return made;
}

void process_backend::release(process_backend* last) noexcept {
    if (!last->pool_->here()) return;  // a fork: the workers are its parent's
    if (completion_scope::active())
        defer_destruction("executor '" + last->name() + "'", [last] { delete last; });
    else
        delete last;
}

process_backend::~process_backend() {
    if (polled_) remove_event_source(completions_);
    if (supervisor_) pool_->quit({});
    supervisor_.reset();
}

void process_backend::submit(std::span<work_item* const>) noexcept {
    std::terminate();  // remote: it gets no items
}

void* process_backend::query(const std::type_info& extension) noexcept {
    if (extension == typeid(portable_identity)) return static_cast<portable_identity*>(this);
    if (extension == typeid(borrowed_arguments)) return static_cast<borrowed_arguments*>(this);
    if (extension == typeid(remote_tasks)) return static_cast<remote_tasks*>(this);
    if (extension == typeid(raw_chunks)) return static_cast<raw_chunks*>(this);
    if (extension == typeid(task_limits)) return static_cast<task_limits*>(this);
    if (extension == typeid(chunk_progress_source)) return static_cast<chunk_progress_source*>(this);
    if (extension == typeid(pool_load_source)) return static_cast<pool_load_source*>(this);
    if (extension == typeid(home_downstream)) return static_cast<home_downstream*>(this);
    return nullptr;
}

void process_backend::shutdown(std::chrono::steady_clock::time_point deadline, std::function<void()> done) {
    if (!pool_->here()) return done();
    auto alarm = shutdown_alarm::arm(deadline, [pool = pool_] { pool->request_stop_all(stop_reason::deadline); });
    registry().close([alarm = std::move(alarm), pool = pool_, done = std::move(done)]() mutable {
        alarm->cancel();
        pool->quit(std::move(done));
    });
}

}  // namespace detail

namespace {

// `make()`; what fails at the start is a `config_error` that names the executor and the remedy.
template <class Make>
executor started(const process_options& options, const Make& make) {
    using namespace detail::process_parent;
    const std::string name = detail::default_name(options);
    try {
        return executor(make());
    } catch (const config_error& e) {
        if (std::string_view(e.what()).starts_with("executor '")) throw;
        throw config_error("executor '" + name + "': " + e.what());
    } catch (const std::system_error&) {
        std::rethrow_exception(cannot_start(name, launch_failure(std::current_exception())));
    } catch (const std::bad_alloc&) {
        std::rethrow_exception(cannot_start(name, launch_failure(std::current_exception())));
    }
}

}  // namespace

executor detail::make_process_pool(const process_options& options, pool_role role) {
    return started(options, [&] { return process_backend::create(options, std::move(role)); });
}

executor make_process_executor(const process_options& options) {
    return started(options, [&] {
        return detail::process_backend::create(options, {.identity = detail::executor_identity::make()});
    });
}

process_executor::process_executor(const process_options& options) : executor_type(make_process_executor(options)) {}

}  // namespace cadre
