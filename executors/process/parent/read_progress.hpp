/// @file
/// The progress of a chunk that its worker has not ended.
#pragma once

#include "process/parent/call_record.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>

#include <cstddef>

namespace cadre::detail::process_parent {

/// Copies what the worker has committed, and changes nothing. Needs `calls_mutex_`. @return false if there is nothing
/// new
[[nodiscard]] bool read_progress(const call_record& r, std::size_t known_results, std::size_t known_errors,
                                 chunk_progress_report& report);

}  // namespace cadre::detail::process_parent
