#include <cadre/detail/state/cell_operation.hpp>

#include <atomic>

namespace cadre::detail {

namespace {
// Nodes are added at the front, and stay: their library may be loaded at any time.
constinit std::atomic<const known_cell_function*> first_known{nullptr};
}  // namespace

std::span<std::byte> writable_bytes(void* bytes, std::size_t count) noexcept {
    return {static_cast<std::byte*>(bytes), count};
}

known_cell_function::known_cell_function(cell_function f) noexcept : function_(f) {
    next_ = first_known.load(std::memory_order_relaxed);
    while (!first_known.compare_exchange_weak(next_, this, std::memory_order_release, std::memory_order_relaxed)) {
    }
}

bool known_cell_function::contains(cell_function f) noexcept {
    for (auto* k = first_known.load(std::memory_order_acquire); k != nullptr; k = k->next_)
        if (k->function_ == f) return true;
    return false;
}

}  // namespace cadre::detail
