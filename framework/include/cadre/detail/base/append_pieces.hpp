/// @file
/// The pieces of a message with borrowed runs, in order. Apart from their type, because few files send them.
#pragma once

#include <cstddef>
#include <span>

#include <cadre/detail/base/borrowed_run.hpp>

namespace cadre::detail {

/// Appends the pieces of a message, in order, to `to`.
template <class Pieces>
void append_pieces(Pieces& to, std::span<const std::byte> own, const borrowed_runs& borrowed) {
    std::size_t at = 0;
    for (const borrowed_run& run : borrowed) {
        to.push_back(own.subspan(at, run.at - at));
        to.push_back(run.bytes);
        at = run.at;
    }
    to.push_back(own.subspan(at));
}

}  // namespace cadre::detail
