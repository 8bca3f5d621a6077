#include <cadre/detail/codec/owned_view.hpp>

#include <new>

namespace cadre::detail {

std::shared_ptr<std::byte> allocate_elements(std::size_t bytes, std::size_t alignment) {
    const std::align_val_t aligned{alignment};
    return {static_cast<std::byte*>(::operator new(bytes, aligned)),
            [aligned](std::byte* memory) { ::operator delete(memory, aligned); }};
}

}  // namespace cadre::detail
