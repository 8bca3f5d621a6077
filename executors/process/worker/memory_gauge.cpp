#include "process/worker/memory_gauge.hpp"

#include "base/kept_memory.hpp"

#include <cstdio>

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

namespace cadre::detail::process_worker {

memory_gauge::memory_gauge(std::uint64_t soft_limit) : soft_limit_(soft_limit) {
    if (soft_limit_ != 0) statm_ = process_os::unique_fd(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
}

bool memory_gauge::above_soft_limit() const noexcept {
    if (in_use() <= soft_limit_) return false;
    // What is free already does not count.
    static_cast<void>(release_kept_memory());
    static_cast<void>(::malloc_trim(0));
    return in_use() > soft_limit_;
}

// Resident pages without those of files and shared memory; 0 if the system does not say.
std::uint64_t memory_gauge::in_use() const noexcept {
    char text[128];
    const ssize_t n = ::pread(statm_.get(), text, sizeof text - 1, 0);
    if (n <= 0) return 0;
    text[n] = 0;
    unsigned long long size = 0;
    unsigned long long resident = 0;
    unsigned long long shared = 0;
    if (std::sscanf(text, "%llu %llu %llu", &size, &resident, &shared) != 3 || resident < shared) return 0;
    return (resident - shared) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace cadre::detail::process_worker
