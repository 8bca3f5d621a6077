/// @file
/// Memory domains whose constants are not blocks of shared memory.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/detail/state/memory_domain.hpp>

namespace cadre::detail {

/// A base of the domains of executors of several hosts. Thread-safe.
class constant_home {
public:
    /// A constant with these bytes. @throws as `memory_domain::make_block`
    [[nodiscard]] virtual std::shared_ptr<shared_block>
    make_constant(std::span<const std::span<const std::byte>> pieces) = 0;
    /// Whether the constant of this encoded handle, which owns nothing, exists.
    [[nodiscard]] virtual bool constant_exists(decoder& in) = 0;

protected:
    ~constant_home() = default;
};

/// A block whose bytes are elsewhere.
class fetched_block {
public:
    /// @throws executor_stopped, std::bad_alloc, error
    [[nodiscard]] virtual byte_buffer fetch() = 0;

protected:
    ~fetched_block() = default;
};

}  // namespace cadre::detail
