#include "process/plane/supervisor_status_page.hpp"

#include "process/os/syscalls.hpp"

#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>  // memfd_create
#if __has_include(<sys/rseq.h>)
#    include <sys/rseq.h>
#endif

namespace cadre::detail::process_plane {

namespace {

constexpr std::size_t page_size = 4096;

}  // namespace

supervisor_status_page::supervisor_status_page(process_os::unique_fd memfd, bool writable)
    : memfd_(std::move(memfd)), mapped_(map_shared({.fd = memfd_.get(), .size = page_size, .writable = writable},
                                                   "mmap of the supervisor status page")) {}

supervisor_status_page supervisor_status_page::create() {
    process_os::unique_fd memfd(::memfd_create("cadre-parent", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!memfd) process_os::throw_errno("memfd_create");
    set_size(memfd.get(), page_size, "memory shared with workers");
    supervisor_status_page page(std::move(memfd), true);
    // Kernels before 5.1 refuse the last one: then a hostile worker could at worst delay its executor's wake-ups.
    if (::fcntl(page.descriptor(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE) != 0)
        ::fcntl(page.descriptor(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
    return page;
}

supervisor_status_page supervisor_status_page::attach(int memfd) { return {process_os::duplicate(memfd), false}; }

std::int32_t current_cpu() noexcept {
#if defined(__x86_64__) && __has_include(<sys/rseq.h>) && defined(RSEQ_SIG)
    if (__rseq_size != 0) {
        const auto* const area =
            reinterpret_cast<const struct rseq*>(static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset);
        return static_cast<std::int32_t>(*static_cast<const volatile std::uint32_t*>(&area->cpu_id));
    }
#endif
    return ::sched_getcpu();
}

}  // namespace cadre::detail::process_plane
