/// @file
/// The blocks of one process's arena as memory of messages that it writes, and that receivers use, in place.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cadre/detail/state/message_memory.hpp>

#include "base/process_owner.hpp"
#include "shm/arena.hpp"

namespace cadre::detail::shm {

/// The bytes of a message are those of a block that this process holds, of any arena. If the process dies, recovery
/// frees them.
class message_blocks final : public message_pool {
public:
    message_blocks(const region& memory, arena& space, process_id self) noexcept
        : memory_(memory), space_(space), self_(self) {}

    [[nodiscard]] std::byte* allocate(std::size_t size) noexcept override;
    void release(std::byte* bytes) noexcept override;

    /// The block of `bytes`, which were allocated here.
    [[nodiscard]] std::uint64_t block_of(const std::byte* bytes) const noexcept {
        return memory_.offset_of(bytes) - sizeof(block_header);
    }

private:
    const region& memory_;
    arena& space_;
    process_id self_;
    process_owner owner_;  // a fork frees nothing: the blocks are its parent's
};

}  // namespace cadre::detail::shm
