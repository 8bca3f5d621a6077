#include <cadre/scope.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <cadre/detail/task/exception_in_flight.hpp>
#include <cadre/detail/task/time_limit.hpp>

namespace cadre {

/// One spawned task; frees itself at its end.
struct scope::child : work_item, detail::completion {
    child(scope& s, task<void>&& t) : owner(s), body(std::move(t)) {}
    scope& owner;
    task<void> body;
};

scope::scope(std::source_location where) : where_(where) {
    const detail::environment* const env = detail::current_environment();
    if (env == nullptr) throw std::logic_error("a cadre::scope is made inside a task");
    env_ = *env;
    parent_stop_ = env_.stop;
    env_.stop = &stop_.emplace(parent_stop_);
}

scope::~scope() {
    if (size() != 0) terminate();
}

// With the text of the exception that is handled or unwinds the stack: it is the cause of most such ends.
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
    const std::lock_guard hold(mutex_);
    return live_;
}

void scope::start(task<void> t) {
    auto c = std::make_unique<child>(*this, std::move(t));
    c->env = &env_;
    c->run = [](work_item* item) noexcept {
        auto* self = static_cast<child*>(item);
        detail::set_current_environment(self->env);
        self->body.frame().resume();
    };
    c->done = [](detail::completion* done) noexcept -> std::coroutine_handle<> {
        auto* self = static_cast<child*>(done);
        self->owner.child_ended(*self);
        return std::noop_coroutine();
    };
    c->body.frame().promise().attach(&env_, *c);
    {
        const std::lock_guard hold(mutex_);
        ++live_;
    }
    detail::post_home(*c.release());  // NOLINT: freed by child_ended
}

void scope::child_ended(child& c) noexcept {
    const std::unique_ptr<child> dead(&c);
    const std::exception_ptr error = c.body.frame().promise().error();
    c.body = {};  // destroys the task while the scope still counts it
    bool first = false;
    if (error != nullptr) {
        const bool cancelled = detail::is_cancelled(error);
        const std::lock_guard hold(mutex_);
        first = error_ == nullptr && !(stopped_ && cancelled);
        if (first) error_ = error;
    }
    if (first) stop_->request_stop();
    detail::waiter* joiner = nullptr;
    {
        const std::lock_guard hold(mutex_);
        if (--live_ == 0) joiner = std::exchange(joiner_, nullptr);
    }
    if (joiner != nullptr) joiner->finish();
}

// The children inherit the stop state, so a stop request reaches them without the joiner.
bool scope::wait(detail::waiter& joiner) noexcept {
    const std::lock_guard hold(mutex_);
    if (live_ == 0) return false;
    joiner_ = &joiner;
    return true;
}

void scope::finish_wait() {
    {
        const std::lock_guard hold(mutex_);
        if (live_ == 0 && (stopped_ || error_ != nullptr)) {
            stopped_ = false;
            env_.stop = &stop_.emplace(parent_stop_);
        }
    }
    if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
}

}  // namespace cadre
