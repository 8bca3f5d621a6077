#include "shm/region.hpp"

#include "base/available_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>  // memfd_create
#include <sys/stat.h>
#include <unistd.h>

#include <cadre/detail/base/sanitizers.hpp>

namespace cadre::detail::shm {

namespace {

constexpr std::uint64_t gibibyte = 1ull << 30;
#if defined(CADRE_TSAN) || defined(CADRE_ASAN)
constexpr std::uint64_t default_arena_size = gibibyte;  // a sanitizer's shadow memory leaves less room
#else
constexpr std::uint64_t default_arena_size = 16 * gibibyte;
#endif
constexpr std::uint64_t min_arena_size = 16ull << 20;
constexpr std::uint64_t max_arena_size = 1ull << 40;

[[noreturn]] void fail(int error, const char* what) { throw std::system_error(error, std::generic_category(), what); }

constexpr std::uint64_t up(std::uint64_t n, std::uint64_t to) noexcept { return (n + to - 1) / to * to; }

constexpr std::uint64_t first_arena(unsigned slots) noexcept {
    return up(up(sizeof(region_header), page_size) + slots * sizeof(process_entry), unit_size);
}

unsigned default_slots() noexcept { return std::clamp(4 * std::thread::hardware_concurrency(), 64u, max_slots); }

struct descriptor {
    int fd;
    ~descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

/// Sets the size of a new region and maps it. @throws std::system_error if the system does not grant the address space
mapped_region size_and_map(int fd, std::uint64_t size) {
    constexpr const char* what = "address space for the state of process executors";
    set_size(fd, size, what);
    return map_shared({.fd = fd, .size = size, .sparse = true}, what);
}

}  // namespace

region::region(int fd, bool owns, mapped_region mapped, unsigned slots, std::uint64_t arena_size) noexcept
    : fd_(fd), owns_fd_(owns), mapped_(std::move(mapped)), slots_(slots), arena_size_(arena_size),
      first_arena_(first_arena(slots)), layout_(arena_layout::of(arena_size)) {}

region::region(region&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), owns_fd_(std::exchange(other.owns_fd_, false)),
      mapped_(std::move(other.mapped_)), slots_(other.slots_), arena_size_(other.arena_size_),
      first_arena_(other.first_arena_), layout_(other.layout_) {}

region::~region() {
    if (owns_fd_) ::close(fd_);
}

region region::create(const region_options& options) {
    const unsigned slots = options.slots != 0 ? std::clamp(options.slots, 1u, max_slots) : default_slots();
    std::uint64_t arena = options.arena_size != 0 ? options.arena_size : default_arena_size;
    arena = up(std::clamp(arena, min_arena_size, max_arena_size), unit_size);

    descriptor fd{::memfd_create("cadre-state", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (fd.fd < 0) fail(errno, "shared memory for the state of process executors");
    mapped_region mapped;
    while (mapped.get_address() == nullptr) {
        try {
            mapped = size_and_map(fd.fd, first_arena(slots) + slots * arena);
        } catch (const std::system_error&) {
            if (arena <= min_arena_size) throw;
            arena = up(arena / 2, unit_size);
        }
    }
    if (::fcntl(fd.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        fail(errno, "sealing the shared memory of process executors");
    region r(fd.fd, true, std::move(mapped), slots, arena);
    fd.fd = -1;
    if (!r.commit(0, r.first_arena_)) throw std::bad_alloc();
    return r;
}

region region::attach(int fd, unsigned slots) {
    struct stat s{};
    if (::fstat(fd, &s) != 0) fail(errno, "the shared memory of process executors");
    const auto size = static_cast<std::uint64_t>(s.st_size);
    const bool plausible = slots >= 1 && slots <= max_slots && size > first_arena(slots);
    const std::uint64_t arena = plausible ? (size - first_arena(slots)) / slots : 0;
    const bool sound = plausible && arena >= min_arena_size && arena <= max_arena_size && arena % unit_size == 0 &&
                       first_arena(slots) + slots * arena == size;
    if (!sound) fail(EINVAL, "the shared memory of process executors");
    return region(
        fd, false,
        map_shared({.fd = fd, .size = size, .sparse = true}, "mapping the shared memory of process executors"), slots,
        arena);
}

process_entry& region::process(unsigned slot) const noexcept {
    return *at<process_entry>(up(sizeof(region_header), page_size) + slot * sizeof(process_entry));
}

half_word& region::unit(unsigned slot, std::uint64_t index) const noexcept {
    return *at<half_word>(arena_offset(slot) + layout_.unit_table + index * sizeof(half_word));
}

object_entry& region::object(unsigned slot, std::uint64_t index) const noexcept {
    return *at<object_entry>(arena_offset(slot) + layout_.object_table + index * sizeof(object_entry));
}

unsigned region::slot_of(std::uint64_t offset) const noexcept {
    if (offset < first_arena_ || offset >= mapped_.get_size()) return slots_;
    return static_cast<unsigned>((offset - first_arena_) / arena_size_);
}

bool region::commit(std::uint64_t offset, std::uint64_t size) const noexcept {
    if (!memory_left_for(size)) return false;
    for (;;) {
        if (::fallocate(fd_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(size)) == 0)
            return true;
        if (errno != EINTR) return false;
    }
}

std::uint64_t region::written_from(const void* address) const noexcept {
    const off_t begin = static_cast<const std::byte*>(address) - at<const std::byte>(0);
    const off_t hole = ::lseek(fd_, begin, SEEK_HOLE);
    // Without its descriptor a process does not know; what it reads is its own affair then.
    return hole < 0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(hole - begin);
}

void region::release_view(std::uint64_t offset, std::uint64_t size) const noexcept {
    ::madvise(at<std::byte>(offset), size, MADV_DONTNEED);
}

void region::discard(std::uint64_t offset, std::uint64_t size) const noexcept {
    ::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(size));
}

}  // namespace cadre::detail::shm
