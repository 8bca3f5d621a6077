#include "process/parent/function_list.hpp"

#include <cadre/detail/codec/codec_stream.hpp>

#include <algorithm>
#include <cstring>

namespace cadre::detail::process_parent {

std::optional<std::uint16_t> function_list::number(const function_id& id) {
    if (id == last_ && !encoded_.empty()) return last_number_;  // calls come in runs of the same function
    auto found = numbers_.find(id);
    if (found == numbers_.end()) {
        if (encoded_.size() == process_plane::function_slots) return std::nullopt;
        byte_buffer bytes;
        encoder out(bytes);
        encode_function(out, id);
        process_plane::function_slot slot{};
        if (bytes.size() > sizeof slot.bytes) return std::nullopt;
        slot.size = static_cast<std::uint32_t>(bytes.size());
        std::memcpy(slot.bytes, bytes.data(), bytes.size());
        times_.resize(encoded_.size() + 1);
        encoded_.push_back(slot);
        found = numbers_.emplace(id, static_cast<std::uint16_t>(encoded_.size() - 1)).first;
    }
    last_ = id;
    last_number_ = found->second;
    return last_number_;
}

std::uint32_t function_list::write_from(std::uint32_t known, process_plane::function_slot* table) const noexcept {
    for (; known < encoded_.size(); ++known)
        std::memcpy(&table[known], &encoded_[known], sizeof *table);
    return known;
}

// A slow call counts at once and is forgotten slowly: calls behind one that is taken for a short one lose more than a
// wake-up that was not needed.
void function_list::note_time(std::uint16_t number, std::uint32_t nanoseconds) noexcept {
    if (nanoseconds == 0) return;
    std::uint32_t& time = times_[number];
    time = std::min(std::max(nanoseconds, time - time / 16), long_time);
}

}  // namespace cadre::detail::process_parent
