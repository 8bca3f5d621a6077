#include "base/freed_memory.hpp"

#include <cstddef>
#include <cstdlib>

namespace cadre::detail {

void keep_freed_memory() noexcept {
    constexpr std::size_t half = std::size_t{8} << 20;
    void* volatile block = std::malloc(half);  // volatile: a compiler may remove the pair
    std::free(block);
}

}  // namespace cadre::detail
