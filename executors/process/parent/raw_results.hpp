/// @file
/// The results that the parent takes from a worker that runs a raw chunk. All of them are checked, because the worker
/// is not trusted.
#pragma once

#include "process/parent/protocol_violation.hpp"
#include "process/parent/worker_connection.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace cadre::detail::process_parent {

// These need the pool's `calls_mutex_`.

/// Where the worker commits the results of `r`.
[[nodiscard]] protocol_violation note_raw_block(worker_connection& c, call_record& r, std::span<const std::byte> body);
/// An item of `r` has failed.
[[nodiscard]] protocol_violation note_failed_item(call_record& r, const process_plane::event& e,
                                                  std::span<const std::byte> body);
/// The results of the first `items` items, which end `r`: copied to where the call wants them, else appended to `to`.
[[nodiscard]] protocol_violation take_raw_results(const call_record& r, std::uint32_t items,
                                                  std::span<const std::byte> body, byte_buffer& to);

/// After the death of the worker: takes what it had committed and not sent.
void take_committed_raw(const worker_connection& c, call_record& r);

}  // namespace cadre::detail::process_parent
