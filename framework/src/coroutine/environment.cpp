#include <cadre/detail/environment.hpp>

#include <atomic>

#include <unistd.h>

#include <cadre/detail/local_worker.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

constinit thread_local environment* this_thread_environment = nullptr;
constinit thread_local local_worker* this_thread_worker = nullptr;

environment* current_environment() noexcept { return this_thread_environment; }

std::uint64_t next_task_id() noexcept {
    static std::atomic<std::uint64_t> counter{0};
    // The process id in the high bits; read each time, because workers are forked.
    const auto pid = static_cast<std::uint64_t>(::getpid()) & 0x3fffff;
    return (pid << 40) | (counter.fetch_add(1, std::memory_order_relaxed) + 1);
}

void post_home(work_item& item) noexcept {
    work_item* one = &item;
    item.env->home->submit(std::span(&one, 1));
}

}  // namespace cadre::detail
