#include <cadre/detail/state/object_registry.hpp>

#include <utility>

#include <cadre/errors.hpp>

namespace cadre::detail {

void registered_object::add_to_registry() { registry_->add(*this); }
void registered_object::remove_from_registry() noexcept { registry_->remove(*this); }

void object_registry::add(registered_object& object) {
    const std::lock_guard hold(mutex_);
    if (stopped_) throw executor_stopped{};
    objects_.push_back(object);
}

void object_registry::remove(registered_object& object) noexcept {
    const std::lock_guard hold(mutex_);
    objects_.remove(object);
}

void object_registry::stop() noexcept {
    const std::lock_guard hold(mutex_);
    if (std::exchange(stopped_, true)) return;
    for (registered_object& object : objects_)
        object.stop();
}

}  // namespace cadre::detail
