/// @file
/// Makes the objects behind channels, cells and locks in the memory domain of an executor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <cadre/detail/state/memory_domain.hpp>

namespace cadre {
class executor;
}

namespace cadre::detail {

/// The backend of `ex`, if it has a memory domain. @throws not_portable
[[nodiscard]] executor_backend& backend_with_domain(const executor& ex);
/// Whether its domain is shared between processes; else it is the heap.
[[nodiscard]] bool has_shared_domain(executor_backend& backend);

/// In the domain of `ex`. @throws not_portable without a domain, executor_stopped, std::bad_alloc
[[nodiscard]] std::shared_ptr<process_lock> make_lock(const executor& ex);
[[nodiscard]] std::shared_ptr<shared_semaphore> make_semaphore(const executor& ex, std::uint32_t permits);
[[nodiscard]] std::shared_ptr<shared_block> make_block(const executor& ex, std::size_t size, std::size_t alignment);

/// The domain that a handle in `in` belongs to. @throws not_portable if this process has none
[[nodiscard]] memory_domain& domain_of(decoder& in);

/// What a failed attempt means to the caller: throws executor_stopped, std::bad_alloc or an error about broken memory.
void require_alive(op_status outcome);
[[noreturn]] void throw_local_handle(const char* what);

}  // namespace cadre::detail
