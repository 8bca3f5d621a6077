/// @file
/// The functions that calls of an executor have named: each has a number, which a request carries instead of its
/// identity, and the time that its calls take.
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

    /// What `expected_time` says of a function whose calls were not measured or take longer, in nanoseconds.
    static constexpr std::uint32_t long_time = 100'000;
    /// A call of the function kept its worker's loop for that long; 0: not measured.
    void note_time(std::uint16_t number, std::uint32_t nanoseconds) noexcept;
    /// How long the next call of the function will keep a worker's loop, in nanoseconds: as long as the slowest of its
    /// last calls did.
    [[nodiscard]] std::uint32_t expected_time(std::uint16_t number) const noexcept {
        return times_[number] != 0 ? times_[number] : long_time;
    }

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
    std::vector<std::uint32_t> times_;  // by number; 0: not measured
    function_id last_{};
    std::uint16_t last_number_ = 0;
};

}  // namespace cadre::detail::process_parent
