#include <cadre/detail/call/reduce_run.hpp>

#include <typeinfo>

#include <cadre/detail/scheduler/task_limits.hpp>

namespace cadre::detail {

map_options resolve_reduction(const map_options& options, const executor& ex) {
    map_options result = resolve_options(options, ex);
    const void* const limits = ex.backend()->query(typeid(task_limits));
    const bool limited = limits != nullptr && static_cast<const task_limits*>(limits)->default_limit().count() > 0;
    if (limited || result.timeout.count() > 0) result.chunk = 1;
    return result;
}

}  // namespace cadre::detail
