/// @file
/// From executors and handles to memory domains, and from the status of an operation to an exception.
#pragma once

#include <cadre/detail/state/memory_domain.hpp>

namespace cadre {
class executor;
}

namespace cadre::detail {

/// The domain in which objects for `ex` are made. @throws not_portable if `ex` has none
[[nodiscard]] memory_domain& domain_of(const executor& ex);
/// The domain in which a handle in `in` finds its object. @throws not_portable if this process shares no memory
[[nodiscard]] memory_domain& domain_of(decoder& in);

/// Throws if `outcome` is a failure of the object itself: executor_stopped, std::bad_alloc or an error about damaged
/// memory.
void require_alive(op_status outcome);
[[noreturn]] void throw_local_handle(const char* what);

}  // namespace cadre::detail
