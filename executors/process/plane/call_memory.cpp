#include "process/plane/call_memory.hpp"

#include "base/address_space.hpp"
#include "process/os/syscalls.hpp"

#include <cadre/errors.hpp>

#include <algorithm>
#include <climits>
#include <string>
#include <utility>

#include <linux/futex.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cadre::detail::process_plane {

namespace {

constexpr std::uint64_t page = 4096;
constexpr std::uint64_t min_area = std::uint64_t{4} << 20;
constexpr std::uint64_t max_for_calls = std::uint64_t{16} << 40;

std::uint64_t size_of(int memfd) {
    struct stat s{};
    if (::fstat(memfd, &s) != 0) process_os::throw_errno("fstat of a call memory");
    return static_cast<std::uint64_t>(s.st_size);
}

}  // namespace

void ring_commands(control_block& control) noexcept {
    control.command_bell.fetch_add(1, std::memory_order_seq_cst);
    ::syscall(SYS_futex, &control.command_bell, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
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
    : memfd_(std::move(memfd)), mapped_(map_shared({.fd = memfd_.get(), .size = size_of(memfd_.get()), .sparse = true},
                                                   "mmap of a call memory")) {}

std::uint64_t call_memory::area_size_for(std::uint32_t workers) noexcept {
    // A part of the remaining address space, because other executors and the program itself need some, too.
    const std::uint64_t for_calls = std::min(address_space_left() / 3, max_for_calls);
    return std::clamp(for_calls / (2 * std::max<std::uint64_t>(workers, 1)), min_area, max_area) / page * page;
}

call_memory call_memory::create(std::uint64_t area_size) {
    return call_memory(process_os::make_memfd("cadre-calls", parent_area + 2 * area_size));
}

call_memory call_memory::attach(int memfd) { return call_memory(process_os::duplicate(memfd)); }

}  // namespace cadre::detail::process_plane
