#include "common/worker_memory.hpp"

#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/errors.hpp>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string>

#include <pthread.h>

namespace cadre::detail {
namespace {

std::atomic<std::size_t> initial_memory{0};

#ifndef CADRE_NO_MEMORY_LIMIT
// Measured: a worker of an empty program allocates 240 KiB before its first task, beside the stack of its control
// thread.
constexpr std::size_t own_memory = std::size_t{512} << 10;

std::size_t thread_stack() noexcept {
    std::size_t size = 0;
    pthread_attr_t attributes;
    if (::pthread_getattr_default_np(&attributes) == 0) {
        ::pthread_attr_getstacksize(&attributes, &size);
        ::pthread_attr_destroy(&attributes);
    }
    return size;
}
#endif

}  // namespace

void note_initial_memory() noexcept {
    try {
        std::ifstream status("/proc/self/status");
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("VmData:")) initial_memory.store(std::strtoull(line.c_str() + 7, nullptr, 10) << 10);
    } catch (...) {  // then a worker's limit is compared with the rest
    }
}

std::size_t least_worker_memory() noexcept {
#ifdef CADRE_NO_MEMORY_LIMIT
    return 0;
#else
    return initial_memory.load() + thread_stack() + own_memory;
#endif
}

std::string memory_limit_fault(std::size_t memory_limit) {
    const std::size_t least = least_worker_memory();
    if (memory_limit == 0 || memory_limit >= least) return {};
    // Rounded up, so that the number in the message suffices.
    constexpr std::size_t kib = 1024;
    return "expected at least " + std::to_string((least + kib - 1) / kib) +
           "KiB, which a worker of this program needs to start, got " + std::to_string(memory_limit) + "B";
}

std::string memory_soft_limit_fault(std::size_t soft_limit, std::size_t memory_limit) {
    if (memory_limit == 0 || soft_limit <= memory_limit) return {};
    return "expected at most memory_limit (" + std::to_string(memory_limit) + "B), got " + std::to_string(soft_limit) +
           "B: no worker can use more than memory_limit";
}

void check_memory_limits(std::size_t soft_limit, std::size_t memory_limit) {
    if (const std::string fault = memory_limit_fault(memory_limit); !fault.empty())
        throw config_error("memory_limit: " + fault);
    if (const std::string fault = memory_soft_limit_fault(soft_limit, memory_limit); !fault.empty())
        throw config_error("memory_soft_limit: " + fault);
}

}  // namespace cadre::detail
