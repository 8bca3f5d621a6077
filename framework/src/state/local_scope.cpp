#include <cadre/detail/local_scope.hpp>

#include <unordered_map>
#include <utility>

#include <cadre/errors.hpp>

namespace cadre::detail {

void local_object::enlist() { scope_->enter(*this); }
void local_object::resign() noexcept { scope_->leave(*this); }

void local_scope::enter(local_object& object) {
    const std::lock_guard hold(mutex_);
    if (stopped_) throw executor_stopped{};
    object.next_ = head_;
    if (head_ != nullptr) head_->previous_ = &object;
    head_ = &object;
}

void local_scope::leave(local_object& object) noexcept {
    const std::lock_guard hold(mutex_);
    (object.previous_ != nullptr ? object.previous_->next_ : head_) = object.next_;
    if (object.next_ != nullptr) object.next_->previous_ = object.previous_;
}

void local_scope::stop() noexcept {
    const std::lock_guard hold(mutex_);
    if (std::exchange(stopped_, true)) return;
    for (local_object* object = head_; object != nullptr; object = object->next_)
        object->stop();
}

namespace {

struct scope_table {
    std::mutex mutex;
    std::unordered_map<const executor_backend*, std::shared_ptr<local_scope>> scopes;
};

// Never destroyed: executors may outlive static objects.
scope_table& table() {
    static auto* const t = new scope_table;
    return *t;
}

}  // namespace

std::shared_ptr<local_scope> local_scope_of(const executor_backend& backend) {
    scope_table& t = table();
    const std::lock_guard hold(t.mutex);
    std::shared_ptr<local_scope>& scope = t.scopes[&backend];
    if (scope == nullptr) scope = std::make_shared<local_scope>();
    return scope;
}

void end_local_scope(const executor_backend& backend) noexcept { local_scope_of(backend)->stop(); }

// Objects outlive the last handle of their executor: only a shutdown ends them.
void forget_local_scope(const executor_backend& backend) noexcept {
    scope_table& t = table();
    const std::lock_guard hold(t.mutex);
    t.scopes.erase(&backend);
}

}  // namespace cadre::detail
