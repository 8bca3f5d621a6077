#include <cadre/scope.hpp>

#include <stdexcept>
#include <utility>

namespace cadre {

/// One spawned task; frees itself at its end.
struct scope::child : work_item, detail::completion {
    child(scope& s, task<void>&& t) : owner(s), body(std::move(t)) {}
    scope& owner;
    task<void> body;
};

scope::scope()
    : stop_([] {
          const detail::environment* env = detail::current_environment();
          if (env == nullptr) throw std::logic_error("a cadre::scope is made inside a task");
          return env->stop;
      }()) {
    env_ = *detail::current_environment();
    env_.stop = &stop_;
}

scope::~scope() {
    if (size() != 0) std::terminate();
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
        const std::lock_guard hold(mutex_);
        first = error_ == nullptr;
        if (first) error_ = error;
    }
    if (first) stop_.request_stop();
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
    if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
}

}  // namespace cadre
