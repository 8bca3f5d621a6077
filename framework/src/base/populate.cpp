#include <cadre/detail/base/populate.hpp>

#include <cstdint>

#include <sys/mman.h>

namespace cadre::detail {

#if !defined(MADV_POPULATE_WRITE)
#    define MADV_POPULATE_WRITE 23  // Linux 5.14; older C libraries do not name it
#endif

void populate_pages(void* memory, std::size_t bytes) noexcept {
    constexpr std::uintptr_t page = 4096;
    const auto begin = (reinterpret_cast<std::uintptr_t>(memory) + page - 1) & ~(page - 1);
    const auto end = (reinterpret_cast<std::uintptr_t>(memory) + bytes) & ~(page - 1);
    if (begin < end) static_cast<void>(::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE));
}

}  // namespace cadre::detail
