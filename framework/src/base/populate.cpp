#include <cadre/detail/base/populate.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

#include <sys/mman.h>

namespace cadre::detail {

#if !defined(MADV_POPULATE_WRITE)
#    define MADV_POPULATE_WRITE 23  // Linux 5.14; older C libraries do not name it
#endif

#if !defined(MADV_POPULATE_READ)
#    define MADV_POPULATE_READ 22
#endif

namespace {

constexpr std::uintptr_t small_page = 4096;
constexpr std::uintptr_t huge_page = std::uintptr_t{2} << 20;
constexpr std::size_t huge_from = 4 * huge_page;

struct pages {
    std::uintptr_t begin;
    std::uintptr_t end;
};

// The pages that are completely in the range.
pages whole_pages(const void* memory, std::size_t bytes, std::uintptr_t size) noexcept {
    return {(reinterpret_cast<std::uintptr_t>(memory) + size - 1) & ~(size - 1),
            (reinterpret_cast<std::uintptr_t>(memory) + bytes) & ~(size - 1)};
}

// A hint: a failure has no effect.
void advise(pages p, int advice) noexcept {
    if (p.begin < p.end) static_cast<void>(::madvise(reinterpret_cast<void*>(p.begin), p.end - p.begin, advice));
}

// The first page of `p` that is not in memory. All pages of memory that is used again are in memory, and populating
// them once more costs much more than this check.
std::uintptr_t first_absent_page(pages p) noexcept {
    std::array<unsigned char, 512> present{};
    for (std::uintptr_t at = p.begin; at < p.end;) {
        const std::size_t count = std::min<std::size_t>(present.size(), (p.end - at) / small_page);
        if (::mincore(reinterpret_cast<void*>(at), count * small_page, present.data()) != 0) return at;
        for (std::size_t i = 0; i < count; ++i)
            if ((present[i] & 1u) == 0) return at + i * small_page;
        at += count * small_page;
    }
    return p.end;
}

}  // namespace

void populate_pages(void* memory, std::size_t bytes) noexcept {
    const pages all = whole_pages(memory, bytes, small_page);
    const std::uintptr_t absent = first_absent_page(all);
    if (absent >= all.end) return;
    if (bytes >= huge_from) advise(whole_pages(memory, bytes, huge_page), MADV_HUGEPAGE);
    advise({absent, all.end}, MADV_POPULATE_WRITE);
}

void map_pages(const void* memory, std::size_t bytes) noexcept {
    advise(whole_pages(memory, bytes, small_page), MADV_POPULATE_READ);
}

}  // namespace cadre::detail
