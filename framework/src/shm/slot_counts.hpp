/// @file
/// One word for each process that uses an object: of near slots in the data of the object, of far slots in its
/// far_record.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shm/layout.hpp"

namespace cadre::detail::shm {

/// `Word` is another type in models.
template <class Word = word>
class slot_counts {
public:
    [[nodiscard]] static constexpr std::uint64_t bytes(unsigned slots) noexcept {
        return (slots < near_slots ? slots : near_slots) * sizeof(Word);
    }
    /// `far`: the pairs of words of far slots; null in a region without them.
    explicit slot_counts(std::byte* data, Word (*far)[2] = nullptr) noexcept
        : words_(reinterpret_cast<Word*>(data)), far_(far) {}

    /// The word of a process that is present in the object, or was when it died.
    [[nodiscard]] Word& of(unsigned slot) const noexcept {
        return is_far(slot) ? far_[slot - near_slots][0] : words_[slot];
    }

private:
    Word* words_;
    Word (*far_)[2];
};

}  // namespace cadre::detail::shm
