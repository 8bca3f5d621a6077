/// @file
/// Which kinds of executors a map may run on.
#pragma once

#include <cstdint>

namespace cadre::detail {

/// The kinds of executors that a map may run on: no code is generated for the others.
enum class map_executors : std::uint8_t { any, local, remote };

/// The chunks of a kind of executor on which a map does not run.
template <bool Met, template <class, class> class Chunk, class F, class Item>
struct chunk_or_none {
    struct type {};
};
template <template <class, class> class Chunk, class F, class Item>
struct chunk_or_none<true, Chunk, F, Item> {
    using type = Chunk<F, Item>;
};

}  // namespace cadre::detail
