/// @file
/// The memory domains of executors of several hosts that this process knows: at home in the program, and in their
/// workers.
#pragma once

#include <memory>

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/executor.hpp>

namespace cadre::detail {

/// Makes handles of the domain decode to objects of `domain` in this process. Thread-safe.
void register_home_domain(const executor_identity& id, std::weak_ptr<memory_domain> domain);

/// The domain of the handle at the position of `in`; null: the handle of an object in shared memory, or no handle.
/// @throws not_portable if this process does not know the domain
[[nodiscard]] std::shared_ptr<memory_domain> find_home_domain(decoder in);

}  // namespace cadre::detail
