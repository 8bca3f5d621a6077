/// @file
/// The body that a worker sends in place of one for which there is no memory.
#pragma once

#include "process/plane/message.hpp"

#include <cadre/detail/base/byte_buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace cadre::detail::process_worker {

/// A short body that ends the same wait: an error in place of a result, of one item or of a call; the beginning of a
/// text. Changes `e` accordingly. @param size of `body`
[[nodiscard]] byte_buffer replacement_body(process_plane::event& e, std::span<const std::span<const std::byte>> body,
                                           std::uint64_t size);

}  // namespace cadre::detail::process_worker
