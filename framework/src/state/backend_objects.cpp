#include <cadre/executor_backend.hpp>

#include "scheduler/backend_list.hpp"
#include "state/heap_domain.hpp"

// The part of `executor_backend` that concerns channels, cells and locks, on which the scheduler layer does not depend.

namespace cadre {

executor_backend::executor_backend() : heap_(new detail::heap_domain) { detail::note_backend(*this); }
executor_backend::~executor_backend() { detail::forget_backend(*this); }

memory_domain* executor_backend::domain() noexcept { return remote() ? nullptr : heap_.get(); }
void executor_backend::stop_objects() noexcept { heap_->stop(); }

}  // namespace cadre
