/// @file
/// The results that the parent takes from a worker that runs a raw chunk. All of them are checked, because the worker
/// is not trusted.
#pragma once

#include "process/parent/worker_connection.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace cadre::detail::process_parent {

// These return how the worker broke the protocol; empty: it did not. They need the pool's `calls_mutex_`.

/// Where the worker commits the results of `r`.
[[nodiscard]] std::string note_raw_block(worker_connection& c, call_record& r, std::span<const std::byte> body);
/// An item of `r` has failed.
[[nodiscard]] std::string note_failed_item(call_record& r, const process_plane::event& e,
                                           std::span<const std::byte> body);
/// The results of the first `items` items, which end `r`: copied to where the call wants them, else appended to `to`.
[[nodiscard]] std::string take_raw_results(const call_record& r, std::uint32_t items, std::span<const std::byte> body,
                                           byte_buffer& to);

/// After the death of the worker: takes what it had committed and not sent.
void take_committed_raw(const worker_connection& c, call_record& r);

}  // namespace cadre::detail::process_parent
