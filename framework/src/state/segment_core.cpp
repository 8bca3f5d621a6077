#include <cadre/detail/state/segment_core.hpp>

#include <algorithm>
#include <cstring>

#include <cadre/errors.hpp>

namespace cadre::detail {

namespace {

constexpr std::size_t line = 64;
constexpr std::size_t first_size = std::size_t{64} * 1024;  // of the manager's memory, which grows to the capacity

constexpr std::size_t to_lines(std::size_t bytes) noexcept { return (bytes + line - 1) / line * line; }
constexpr std::size_t header_size = to_lines(sizeof(segment_core));

}  // namespace

std::size_t segment_core::min_capacity() noexcept { return to_lines(segment_manager::get_min_size() + 256); }

std::size_t segment_core::block_size(std::size_t capacity, bool recoverable) noexcept {
    const std::size_t bytes = to_lines(capacity);
    return header_size + (recoverable ? 2 * bytes : bytes);
}

segment_core& segment_core::make(void* block, std::size_t capacity, bool recoverable) noexcept {
    auto* const core = ::new (block) segment_core(to_lines(capacity), recoverable);
    ::new (core->memory()) segment_manager(std::min(core->capacity_, first_size));
    return *core;
}

segment_core& segment_core::open(void* block, std::size_t size) {
    auto* const core = static_cast<segment_core*>(block);
    if (size < header_size || core->capacity_ < min_capacity() || core->capacity_ > size ||
        block_size(core->capacity_, core->recoverable_) > size)
        throw not_portable("cadre::shared_segment: the handle names no segment");
    return *core;
}

std::byte* segment_core::memory() noexcept { return reinterpret_cast<std::byte*>(this) + header_size; }

segment_manager& segment_core::manager() noexcept {
    return *std::launder(reinterpret_cast<segment_manager*>(memory()));
}

segment_core& segment_core::of(segment_manager& manager) noexcept {
    return *std::launder(reinterpret_cast<segment_core*>(reinterpret_cast<std::byte*>(&manager) - header_size));
}

std::size_t segment_core::used() noexcept { return std::min(manager().get_size(), capacity_); }

void segment_core::begin_writing() noexcept {
    if (!recoverable_) return;
    std::memcpy(memory() + capacity_, memory(), used());
    writing_.store(1, std::memory_order_release);
    // No change may be moved before the store: this process may be killed at any instruction.
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

// The size in use is read from the manager's backup copy.
void segment_core::undo() noexcept {
    const std::byte* const copy = memory() + capacity_;
    const std::size_t bytes =
        std::min(std::launder(reinterpret_cast<const segment_manager*>(copy))->get_size(), capacity_);
    std::memcpy(memory(), copy, bytes);
    writing_.store(0, std::memory_order_release);
}

bool segment_core::grow() noexcept {
    const std::size_t size = used();
    if (size >= capacity_) return false;
    manager().grow(std::min(size, capacity_ - size));
    return manager().get_size() > size;
}

void* segment_core::allocate(std::size_t bytes, std::size_t alignment) {
    if (bytes > capacity_) throw std::bad_alloc();
    for (;;) {
        void* const p = alignment > 16 ? manager().allocate_aligned(bytes, alignment, std::nothrow)
                                       : manager().allocate(bytes, std::nothrow);
        if (p != nullptr) return p;
        if (!grow()) throw std::bad_alloc();
    }
}

}  // namespace cadre::detail
