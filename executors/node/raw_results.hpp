/// @file
/// Results of raw chunks from another host.
#pragma once

#include <cadre/detail/scheduler/portable_call.hpp>

#include <cstdint>

namespace cadre::detail::node {

/// Copies the results of a raw chunk to their destination, if they have one, as a process executor does.
/// @param items  of the chunk, without those that were taken back  @throws codec_error if their size is wrong
void put_raw_results(const portable_call& call, std::uint32_t items, call_reply& reply);

}  // namespace cadre::detail::node
