/// @file
/// The records of all unfinished calls of an executor.
#pragma once

#include "process/parent/call_record.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace cadre::detail::process_parent {

/// All records of an executor. A ticket (generation, index) names a record to a worker; a ticket that a worker sends is
/// checked against the table.
class call_table {
public:
    [[nodiscard]] call_record& acquire() {
        if (free_.empty()) {
            // Reserved first: `release` must not fail.
            free_.reserve(records_.size() + 1);
            call_record& r = records_.emplace_back();
            r.index = static_cast<std::uint32_t>(records_.size() - 1);
            return r;
        }
        call_record& r = *free_.back();
        free_.pop_back();
        return r;
    }

    void release(call_record& r) noexcept {
        const std::uint32_t index = r.index;
        const std::uint32_t generation = r.generation + 1;
        r = call_record{};
        r.index = index;
        r.generation = generation;
        free_.push_back(&r);
    }

    /// Every record, used or free (`call` is null then).
    [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
    [[nodiscard]] call_record& at(std::size_t index) noexcept { return records_[index]; }

    [[nodiscard]] static std::uint64_t ticket(const call_record& r) noexcept {
        return std::uint64_t{r.generation} << 32 | r.index;
    }
    /// Null if no unfinished call has this ticket.
    [[nodiscard]] call_record* find(std::uint64_t ticket) noexcept {
        const auto index = static_cast<std::uint32_t>(ticket);
        if (index >= records_.size()) return nullptr;
        call_record& r = records_[index];
        return r.call != nullptr && r.generation == ticket >> 32 ? &r : nullptr;
    }

private:
    std::deque<call_record> records_;
    std::vector<call_record*> free_;
};

}  // namespace cadre::detail::process_parent
