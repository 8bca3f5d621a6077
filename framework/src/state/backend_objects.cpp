// What an executor backend has to do with the state plane; the scheduler does not know that layer.

#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/object_registry.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre {

memory_domain* executor_backend::domain() noexcept { return remote() ? nullptr : &detail::heap_domain(); }
void executor_backend::stop_objects() noexcept { detail::close_object_registry(*this); }
void executor_backend::release_objects() noexcept { detail::forget_object_registry(*this); }

}  // namespace cadre
