#include "base/mapped_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <boost/interprocess/exceptions.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace cadre::detail {

namespace {

namespace ipc = boost::interprocess;

/// A descriptor as mapped_region expects it (concept MemoryMappable). Does not own the descriptor.
class mappable_descriptor {
public:
    explicit mappable_descriptor(int fd) noexcept : fd_(fd) {}
    [[nodiscard]] ipc::mapping_handle_t get_mapping_handle() const noexcept { return {fd_, false}; }

private:
    int fd_;
};

}  // namespace

void set_size(int fd, std::uint64_t size, const char* what) {
    rlimit largest{};
    const bool limited = ::getrlimit(RLIMIT_FSIZE, &largest) == 0 && size > largest.rlim_cur;
    if (limited || ::ftruncate(fd, static_cast<off_t>(size)) != 0)
        throw std::system_error(limited ? EFBIG : errno, std::generic_category(), what);
}

int reserve_memory(int fd, std::uint64_t offset, std::uint64_t size) noexcept {
    // A signal ends fallocate without effect: in a program with frequent signals only small parts succeed.
    constexpr std::uint64_t smallest_part = 64 * 1024;
    std::uint64_t part = size;
    while (size != 0) {
        part = std::min(part, size);
        if (::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(part)) == 0) {
            offset += part;
            size -= part;
        } else if (errno == EINTR) {
            part = std::max(part / 2, smallest_part);
        } else {
            return errno;
        }
    }
    return 0;
}

mapped_region map_shared(const mapping_request& request, const char* what) {
    try {
        mapped_region mapped(mappable_descriptor(request.fd), request.writable ? ipc::read_write : ipc::read_only,
                             static_cast<ipc::offset_t>(request.offset), request.size, nullptr,
                             request.sparse ? MAP_NORESERVE : ipc::default_map_options);
        // mapped_region::advise does not offer this advice.
        if (request.sparse) ::madvise(mapped.get_address(), mapped.get_size(), MADV_DONTDUMP);
        return mapped;
    } catch (const ipc::interprocess_exception& e) {
        throw std::system_error(e.get_native_error(), std::system_category(), what);
    }
}

}  // namespace cadre::detail
