#include <cadre/detail/base/populate.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

#include <sys/mman.h>

namespace cadre::detail {

#if !defined(MADV_POPULATE_WRITE)
#    define MADV_POPULATE_WRITE 23  // Linux 5.14; older C libraries do not name it
#endif

namespace {

constexpr std::uintptr_t page = 4096;

// The first page at or after `begin` that is not in memory: of memory that is used again all are, and asking for them once more
// costs much more than this.
std::uintptr_t first_absent_page(std::uintptr_t begin, std::uintptr_t end) noexcept {
    std::array<unsigned char, 512> present{};
    while (begin < end) {
        const std::size_t pages = std::min<std::size_t>(present.size(), (end - begin) / page);
        if (::mincore(reinterpret_cast<void*>(begin), pages * page, present.data()) != 0) return begin;
        for (std::size_t i = 0; i < pages; ++i)
            if ((present[i] & 1u) == 0) return begin + i * page;
        begin += pages * page;
    }
    return end;
}

}  // namespace

void populate_pages(void* memory, std::size_t bytes) noexcept {
    const auto start = (reinterpret_cast<std::uintptr_t>(memory) + page - 1) & ~(page - 1);
    const auto end = (reinterpret_cast<std::uintptr_t>(memory) + bytes) & ~(page - 1);
    const std::uintptr_t begin = first_absent_page(start, end);
    if (begin < end) static_cast<void>(::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE));
}

}  // namespace cadre::detail
