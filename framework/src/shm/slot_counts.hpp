/// @file
/// One word for each process that uses an object, in the data of the object.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shm/layout.hpp"

namespace cadre::detail::shm {

/// `Word` is another type in models.
template <class Word = word>
class slot_counts {
public:
    [[nodiscard]] static constexpr std::uint64_t bytes(unsigned slots) noexcept { return slots * sizeof(Word); }
    explicit slot_counts(std::byte* data) noexcept : words_(reinterpret_cast<Word*>(data)) {}

    /// The word of a process that is present in the object, or was when it died.
    [[nodiscard]] Word& of(unsigned slot) const noexcept { return words_[slot]; }

private:
    Word* words_;
};

}  // namespace cadre::detail::shm
