/// @file
/// The functions that calls of an executor have named: each has a number, which a request carries instead of its
/// identity.
#pragma once

#include "process/plane/call_memory.hpp"

#include <cadre/detail/codec/function_identity.hpp>

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include <boost/container_hash/hash.hpp>

namespace cadre::detail::process_parent {

class function_list {
public:
    /// Whether it has a number.
    [[nodiscard]] bool contains(const function_id& id) const { return numbers_.contains(id); }
    /// The number of `id`, a new one if needed; empty if there are too many functions. Throws std::bad_alloc,
    /// not_portable.
    [[nodiscard]] std::optional<std::uint16_t> number(const function_id& id);

    /// Writes the entries from `known` on into a worker's table. @return the new `known`
    [[nodiscard]] std::uint32_t write_from(std::uint32_t known, process_plane::function_slot* table) const noexcept;
    [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(encoded_.size()); }

private:
    struct hash {
        std::size_t operator()(const function_id& id) const noexcept {
            std::size_t seed = 0;
            boost::hash_combine(seed, id.module);
            boost::hash_combine(seed, id.offset);
            return seed;
        }
    };
    std::unordered_map<function_id, std::uint16_t, hash> numbers_;
    std::vector<process_plane::function_slot> encoded_;
    function_id last_{};
    std::uint16_t last_number_ = 0;
};

}  // namespace cadre::detail::process_parent
