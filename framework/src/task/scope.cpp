#include <cadre/scope.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <cadre/detail/task/exception_in_flight.hpp>
#include <cadre/detail/task/time_limit.hpp>

namespace cadre {

scope::scope(std::source_location where) : where_(where) {
    const detail::environment* const env = detail::current_environment();
    if (env == nullptr) throw std::logic_error("cadre::scope: a scope can be made only inside a task");
    env_ = *env;
    parent_stop_ = env_.stop;
    env_.stop = &stop_.emplace(parent_stop_);
    end_.owner = this;
    end_.done = &on_child_end;
}

std::coroutine_handle<> scope::on_child_end(detail::completion* c, std::coroutine_handle<> ended) noexcept {
    static_cast<end_of_child*>(c)->owner->child_ended(task<void>::adopt(ended));
    return std::noop_coroutine();
}

detail::task_origin scope::origin_of_child(const detail::completion& c) noexcept {
    const scope& owner = *static_cast<const end_of_child&>(c).owner;
    return {"a task of the scope made", owner.where_, &owner.env_};
}

const bool scope::described = detail::describe_origins(detail::description_key(&on_child_end), &scope::origin_of_child);

scope::~scope() {
    if (size() != 0) terminate();
}

// Prints the text of the exception that is being handled or unwinds the stack, which is the usual cause.
void scope::terminate() const noexcept {
    const std::string in_flight = detail::describe_exception_in_flight();
    if (!in_flight.empty()) std::fprintf(stderr, "cadre: in flight: %s\n", in_flight.c_str());
    const std::size_t live = size();
    const std::string_view task_name = env_.info != nullptr ? std::string_view(env_.info->name) : std::string_view();
    std::fprintf(
        stderr,
        "cadre: the scope made at %s:%u in '%s'%s%.*s%s is destroyed with %zu live task%s: co_await its join(), or "
        "use with_scope\n",
        where_.file_name(), static_cast<unsigned>(where_.line()), where_.function_name(),
        task_name.empty() ? "" : " by task '", static_cast<int>(task_name.size()), task_name.data(),
        task_name.empty() ? "" : "'", live, live == 1 ? "" : "s");
    std::terminate();
}

void scope::request_stop() noexcept {
    {
        const std::lock_guard hold(mutex_);
        stopped_ = true;
    }
    stop_->request_stop();
}

std::size_t scope::size() const noexcept {
    const std::int64_t open = open_.load(std::memory_order_acquire);
    const std::int64_t live =
        open > joining / 2 ? open - joining : open + (started_.load(std::memory_order_acquire) & ~joining);
    return live > 0 ? static_cast<std::size_t>(live) : 0;
}

void scope::start(task<void> t) {
    auto& promise = t.frame().promise();
    promise.attach(&env_, end_);
    if (started_.fetch_add(1, std::memory_order_relaxed) >= joining)
        open_.fetch_add(1, std::memory_order_relaxed);  // by a task of the scope, which keeps it open
    try {
        detail::start_at_home(promise);
    } catch (...) {
        count_end();
        throw;
    }
    static_cast<void>(t.release());  // child_ended destroys it
}

void scope::count_end() noexcept {
    if (open_.fetch_sub(1, std::memory_order_acq_rel) - 1 == joining) joiner_->finish();
}

void scope::child_failed(const std::exception_ptr& error) noexcept {
    std::exception_ptr first;
    {
        const bool cancelled = detail::is_cancelled(error);
        const std::lock_guard hold(mutex_);
        if (stopped_ && cancelled) return;
        first = error_;
        if (first == nullptr) error_ = error;
    }
    if (first != nullptr) return detail::add_nested_error(first, error);
    stop_->request_stop();
}

void scope::child_ended(task<void> child) noexcept {
    if (child.frame().promise().failed()) child_failed(child.frame().promise().error());
    child = {};  // destroys the task while the scope still counts it
    count_end();
}

// The children inherit the stop state, so a stop request reaches them without the joiner.
bool scope::wait(detail::waiter& joiner) noexcept {
    joiner_ = &joiner;
    const std::int64_t all = joining + started_.fetch_or(joining, std::memory_order_relaxed);
    return open_.fetch_add(all, std::memory_order_acq_rel) + all != joining;
}

void scope::finish_wait() {
    started_.store(0, std::memory_order_relaxed);
    open_.store(0, std::memory_order_relaxed);
    {
        const std::lock_guard hold(mutex_);
        if (stopped_ || error_ != nullptr) {
            stopped_ = false;
            env_.stop = &stop_.emplace(parent_stop_);
        }
    }
    if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
}

}  // namespace cadre
