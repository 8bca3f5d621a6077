#include "shm/message_blocks.hpp"

#include "shm/channel_payload.hpp"

namespace cadre::detail::shm {

std::byte* message_blocks::allocate(std::size_t size) noexcept {
    if (!owner_.here()) return nullptr;
    const block_location b = space_.allocate(size).block;
    if (b.offset == 0) return nullptr;
    std::byte* const bytes = memory_.at<std::byte>(b.data());
    // Receivers refuse a large message with pages that were never written. Its sender may leave some unwritten.
    if (size >= region_blocks::ask_from) {
        const std::uint64_t end = sizeof(block_header) + size;
        std::byte* const begin = memory_.at<std::byte>(b.offset);
        for (std::uint64_t at = memory_.written_from(begin); at < end; at += page_size)
            begin[at] = std::byte{0};
    }
    return bytes;
}

void message_blocks::release(std::byte* bytes) noexcept {
    if (owner_.here()) arena::release(memory_, block_of(bytes), held_by(self_));
}

}  // namespace cadre::detail::shm
