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

// In words, each in one step: an atomic member of a cell may read meanwhile, and must not see a part of a change.
bool home_cell::write(std::uint64_t offset, std::span<const std::byte> bytes) noexcept {
    if (offset > size_ || bytes.size() > size_ - offset) return false;
    auto* to = static_cast<std::uint64_t*>(data()) + offset / word_size;
    for (std::size_t at = offset % word_size; !bytes.empty(); at = 0) {
        const std::size_t part = std::min(bytes.size(), word_size - at);
        const std::atomic_ref word(*to++);
        std::uint64_t before = word.load();
        std::uint64_t after = 0;
        do {
            after = before;
            std::memcpy(reinterpret_cast<std::byte*>(&after) + at, bytes.data(), part);
        } while (!word.compare_exchange_weak(before, after));
        bytes = bytes.subspan(part);
    }
    return true;
}

}  // namespace cadre::detail
