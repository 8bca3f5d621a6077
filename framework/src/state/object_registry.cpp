#include <cadre/detail/state/object_registry.hpp>

#include <unordered_map>
#include <utility>

#include <cadre/errors.hpp>

namespace cadre::detail {

void registered_object::enlist() { scope_->enter(*this); }
void registered_object::resign() noexcept { scope_->leave(*this); }

void object_registry::enter(registered_object& object) {
    const std::lock_guard hold(mutex_);
    if (stopped_) throw executor_stopped{};
    object.next_ = head_;
    if (head_ != nullptr) head_->previous_ = &object;
    head_ = &object;
}

void object_registry::leave(registered_object& object) noexcept {
    const std::lock_guard hold(mutex_);
    (object.previous_ != nullptr ? object.previous_->next_ : head_) = object.next_;
    if (object.next_ != nullptr) object.next_->previous_ = object.previous_;
}

void object_registry::stop() noexcept {
    const std::lock_guard hold(mutex_);
    if (std::exchange(stopped_, true)) return;
    for (registered_object* object = head_; object != nullptr; object = object->next_)
        object->stop();
}

namespace {

struct scope_table {
    std::mutex mutex;
    std::unordered_map<const executor_backend*, std::shared_ptr<object_registry>> scopes;
};

// Never destroyed: executors may outlive static objects.
scope_table& table() {
    static auto* const t = new scope_table;
    return *t;
}

}  // namespace

std::shared_ptr<object_registry> object_registry_of(const executor_backend& backend) {
    scope_table& t = table();
    const std::lock_guard hold(t.mutex);
    std::shared_ptr<object_registry>& scope = t.scopes[&backend];
    if (scope == nullptr) scope = std::make_shared<object_registry>();
    return scope;
}

void close_object_registry(const executor_backend& backend) noexcept { object_registry_of(backend)->stop(); }

// Objects outlive the last handle of their executor: only a shutdown ends them.
void forget_object_registry(const executor_backend& backend) noexcept {
    scope_table& t = table();
    const std::lock_guard hold(t.mutex);
    t.scopes.erase(&backend);
}

}  // namespace cadre::detail
