/// @file
/// Mappings of descriptors: boost::interprocess::mapped_region, with failures as std::system_error.
#pragma once

#include <cstddef>
#include <cstdint>

#include <boost/interprocess/mapped_region.hpp>

namespace cadre::detail {

using boost::interprocess::mapped_region;

/// A part of a descriptor, usually a memfd, that is to be mapped shared.
struct mapping_request {
    int fd = -1;
    std::uint64_t size = 0;
    std::uint64_t offset = 0;
    bool writable = true;
    /// Address space that is mostly unused: no swap is reserved for it and core dumps leave it out.
    bool sparse = false;
};

/// Sets the size of a new memfd. Checks RLIMIT_FSIZE first, because the kernel would send SIGXFSZ, which ends the
/// process.
/// @throws std::system_error, named `what`
void set_size(int fd, std::uint64_t size, const char* what);

/// Takes memory for a part of a file in memory; signals do not interrupt it. The size of the file stays. After a
/// failure a part of the range may have memory.
/// @return 0, or the `errno` of fallocate
[[nodiscard]] int reserve_memory(int fd, std::uint64_t offset, std::uint64_t size) noexcept;

/// Maps the bytes at an address of the system's choice. The descriptor may be closed afterwards.
/// @throws std::system_error, named `what`
[[nodiscard]] mapped_region map_shared(const mapping_request& request, const char* what);

}  // namespace cadre::detail
