#include "process/plane/call_memory.hpp"

#include "process/os/syscalls.hpp"

#include <cadre/errors.hpp>

#include <climits>
#include <string>
#include <utility>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cadre::detail::process_plane {

void ring_orders(control_block& control) noexcept {
    control.order_bell.fetch_add(1, std::memory_order_seq_cst);
    ::syscall(SYS_futex, &control.order_bell, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

std::exception_ptr too_large(const char* what, std::uint64_t size) {
    return std::make_exception_ptr(not_portable(std::string(what) + ": " + std::to_string(size) +
                                                " bytes are more than the " + std::to_string(max_message) +
                                                " that a message to or from a worker holds"));
}

bool call_memory::written(std::span<const std::byte> bytes) const noexcept {
    const off_t begin = bytes.data() - base();
    const off_t hole = ::lseek(memfd_.get(), begin, SEEK_HOLE);
    return hole < 0 || hole >= begin + static_cast<off_t>(bytes.size());
}

call_memory::call_memory(process_os::unique_fd memfd)
    : memfd_(std::move(memfd)),
      mapped_(map_shared({.fd = memfd_.get(), .size = total, .sparse = true}, "mmap of a call memory")) {}

call_memory call_memory::create() { return call_memory(process_os::make_memfd("cadre-calls", total)); }

call_memory call_memory::attach(int memfd) { return call_memory(process_os::duplicate(memfd)); }

}  // namespace cadre::detail::process_plane
