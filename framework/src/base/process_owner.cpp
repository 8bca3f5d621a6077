#include "process_owner.hpp"

#include <new>

#include <pthread.h>
#include <sys/mman.h>

namespace cadre::detail {

namespace {

using word = std::atomic<std::uint32_t>;

constexpr std::size_t page = 4096;

// Used where the kernel cannot clear a page in forks. pthread_atfork does not notice a bare clone().
constinit word plain{0};

word& make_word() noexcept {
    void* const memory = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) {
        if (::madvise(memory, page, MADV_WIPEONFORK) == 0) return *new (memory) word(0);
        ::munmap(memory, page);
    }
    ::pthread_atfork(nullptr, nullptr, [] { plain.store(0, std::memory_order_relaxed); });
    return plain;
}

word& this_process() noexcept {
    static word& made = make_word();
    return made;
}

// A fork inherits the counter, so that a process and the processes from which it was forked get different numbers.
constinit word used_tokens{0};

std::uint32_t token_of(word& here) noexcept {
    std::uint32_t token = here.load(std::memory_order_relaxed);
    if (token != 0) return token;
    const std::uint32_t fresh = used_tokens.fetch_add(1, std::memory_order_relaxed) + 1;
    return here.compare_exchange_strong(token, fresh, std::memory_order_relaxed) ? fresh : token;
}

}  // namespace

process_owner::process_owner() noexcept : word_(&this_process()), token_(token_of(this_process())) {}

}  // namespace cadre::detail
