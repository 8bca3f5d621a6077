#include <cadre/detail/coroutine/environment.hpp>

#include <atomic>

#include <pthread.h>
#include <unistd.h>

namespace cadre::detail {

constinit thread_local environment* this_thread_environment = nullptr;

environment* current_environment() noexcept { return this_thread_environment; }

std::uint64_t current_task_id() noexcept {
    const environment* const env = this_thread_environment;
    return env != nullptr && env->info != nullptr ? env->info->id : 0;
}

namespace {

// The process id, in the high bits. Cached, because getpid is a system call; a forked process resets the cache.
std::uint64_t process_bits() noexcept {
    static std::atomic<std::uint64_t> cached{0};
    static const bool reset_in_children =
        ::pthread_atfork(nullptr, nullptr, [] { cached.store(0, std::memory_order_relaxed); }) == 0;
    std::uint64_t bits = cached.load(std::memory_order_relaxed);
    if (bits == 0 || !reset_in_children) {
        bits = (static_cast<std::uint64_t>(::getpid()) & 0x3fffff) << 40;
        cached.store(bits, std::memory_order_relaxed);
    }
    return bits;
}

}  // namespace

// A thread takes a block of numbers at a time: the counter is on one cache line for all of them.
std::uint64_t next_task_id() noexcept {
    constexpr std::uint64_t block = 64;
    static std::atomic<std::uint64_t> counter{0};
    static constinit thread_local std::uint64_t last = 0;
    static constinit thread_local std::uint64_t end = 0;
    if (last == end) {
        last = counter.fetch_add(block, std::memory_order_relaxed);
        end = last + block;
    }
    return process_bits() | ++last;
}

}  // namespace cadre::detail
