#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>

#include <cadre/detail/state/cell_guard.hpp>

#include "state/home_objects.hpp"

namespace cadre::detail {

namespace {

constexpr std::size_t word_size = sizeof(std::uint64_t);
constexpr std::size_t whole_words(std::size_t size) { return (size + word_size - 1) / word_size * word_size; }

}  // namespace

home_cell::home_cell(const std::shared_ptr<home_table>& table, std::size_t size)
    : heap_block(table->registry, whole_words(size), cell_alignment), home_object(table), size_(size),
      owned_(table->registry) {}

// In words: an atomic member of a cell may write meanwhile.
void home_cell::read(byte_buffer& to) {
    auto* from = static_cast<std::uint64_t*>(data());
    std::byte* copy = to.extend(size_);
    for (std::size_t left = size_; left != 0;) {
        const std::uint64_t word = std::atomic_ref(*from++).load();
        const std::size_t part = std::min(left, word_size);
        std::memcpy(copy, &word, part);
        copy += part;
        left -= part;
    }
}

bool home_cell::write(std::uint64_t offset, std::span<const std::byte> bytes) noexcept {
    if (offset > size_ || bytes.size() > size_ - offset) return false;
    auto* to = static_cast<unsigned char*>(data()) + offset;
    for (const std::byte each : bytes)
        std::atomic_ref(*to++).store(std::to_integer<unsigned char>(each));
    return true;
}

}  // namespace cadre::detail
