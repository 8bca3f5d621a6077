/// @file
/// The functions of the calls of a worker, by the numbers that the parent assigns to them.
#pragma once

#include "process/plane/call_memory.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>

namespace cadre::detail::process_worker {

class worker_functions {
public:
    struct function {
        call_entry entry = nullptr;
        std::uint32_t slowest = 0;  // nanoseconds, of its last calls; 0: not measured

        /// Forgets an outlier slowly.
        void sample(std::uint32_t nanoseconds) noexcept { slowest = std::max(nanoseconds, slowest - slowest / 16); }
    };

    explicit worker_functions(const process_plane::function_slot* table) noexcept : table_(table) {}

    /// Throws not_portable if this process does not have the function.
    [[nodiscard]] function& find(std::uint16_t number);

private:
    const process_plane::function_slot* table_;
    std::deque<function> functions_;
};

}  // namespace cadre::detail::process_worker
