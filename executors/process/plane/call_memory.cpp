#include "process/plane/call_memory.hpp"

#include "process/os/syscalls.hpp"

#include <climits>
#include <utility>

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cadre::detail::process_plane {

namespace {

std::byte* map(int memfd) {
    void* const at = ::mmap(nullptr, call_memory::total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memfd, 0);
    if (at == MAP_FAILED) process_os::throw_errno("mmap of a call memory");
    // A dump of a crashed worker should show its own memory, not gigabytes of address space.
    ::madvise(at, call_memory::total, MADV_DONTDUMP);
    return static_cast<std::byte*>(at);
}

}  // namespace

void ring_orders(control_block& control) noexcept {
    control.order_bell.fetch_add(1, std::memory_order_seq_cst);
    ::syscall(SYS_futex, &control.order_bell, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

call_memory call_memory::create() {
    process_os::unique_fd memfd = process_os::make_memfd("cadre-calls", total);
    std::byte* const base = map(memfd.get());
    return {std::move(memfd), base};
}

call_memory call_memory::attach(int memfd) { return {process_os::duplicate(memfd), map(memfd)}; }

call_memory::call_memory(call_memory&& other) noexcept
    : memfd_(std::move(other.memfd_)), base_(std::exchange(other.base_, nullptr)) {}

call_memory::~call_memory() {
    if (base_ != nullptr) ::munmap(base_, total);
}

}  // namespace cadre::detail::process_plane
