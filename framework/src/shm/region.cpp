#include "shm/region.hpp"

#include "base/available_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>  // memfd_create
#include <sys/stat.h>
#include <unistd.h>

namespace cadre::detail::shm {

namespace {

[[noreturn]] void fail(int error, const char* what) { throw std::system_error(error, std::generic_category(), what); }

struct descriptor {
    int fd;
    ~descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

constexpr std::uint64_t smallest_region = std::uint64_t{64} << 20;

/// Sets the size of a new region and maps it. @throws std::system_error if the system does not grant the address space
mapped_region size_and_map(int fd, std::uint64_t size) {
    constexpr const char* what = "reserving address space for the shared memory of process executors";
    set_size(fd, size, what);
    return map_shared({.fd = fd, .size = size, .sparse = true}, what);
}

}  // namespace

region::region(int fd, bool owns, mapped_region mapped, const region_shape& shape) noexcept
    : fd_(fd), owns_fd_(owns), mapped_(std::move(mapped)), map_(shape) {}

region::region(region&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), owns_fd_(std::exchange(other.owns_fd_, false)),
      mapped_(std::move(other.mapped_)), map_(other.map_) {}

region::~region() {
    if (owns_fd_) ::close(fd_);
}

region region::create(const region_options& options) {
    descriptor fd{::memfd_create("cadre-state", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (fd.fd < 0) fail(errno, "creating the shared memory of process executors");
    region_shape shape = region_shape::within(region_budget(), options);
    mapped_region mapped;
    while (mapped.get_address() == nullptr) {
        const std::uint64_t size = region_map(shape).size();
        try {
            mapped = size_and_map(fd.fd, size);
        } catch (const std::system_error&) {
            // Less may be granted: by the size of addresses, or by the limit of the size of files.
            if (size / 2 < smallest_region) throw;
            shape = region_shape::within(size / 2, options);
        }
    }
    if (::fcntl(fd.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        fail(errno, "sealing the shared memory of process executors");
    region r(fd.fd, true, std::move(mapped), shape);
    fd.fd = -1;
    // The entries of far processes get memory when the slots are claimed.
    const std::uint64_t begin = region_map::process_offset(std::min<unsigned>(shape.slots, near_slots));
    if (!memory_left_for(begin)) throw std::bad_alloc();
    const int error = reserve_memory(r.fd_, 0, begin);
    if (error == ENOSPC || error == ENOMEM) throw std::bad_alloc();
    if (error != 0) fail(error, "fallocate of the memory shared with workers");
    return r;
}

region region::attach(int fd, const region_shape& shape) {
    struct stat s{};
    if (::fstat(fd, &s) != 0) fail(errno, "opening the shared memory of process executors");
    const auto size = static_cast<std::uint64_t>(s.st_size);
    if (!shape.sound() || region_map(shape).size() != size)
        fail(EINVAL, "opening the shared memory of process executors");
    return region(
        fd, false,
        map_shared({.fd = fd, .size = size, .sparse = true}, "mapping the shared memory of process executors"), shape);
}

bool region::commit(std::uint64_t offset, std::uint64_t size) const noexcept {
    if (!memory_left_for(size)) return false;
    return reserve_memory(fd_, offset, size) == 0;
}

std::uint64_t region::written_from(const void* address) const noexcept {
    const off_t begin = static_cast<const std::byte*>(address) - at<const std::byte>(0);
    const off_t hole = ::lseek(fd_, begin, SEEK_HOLE);
    // A process that has closed the descriptor cannot find out: it may allocate memory by reading.
    return hole < 0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(hole - begin);
}

void region::release_view(std::uint64_t offset, std::uint64_t size) const noexcept {
    ::madvise(at<std::byte>(offset), size, MADV_DONTNEED);
}

void region::discard(std::uint64_t offset, std::uint64_t size) const noexcept {
    ::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(size));
}

}  // namespace cadre::detail::shm
