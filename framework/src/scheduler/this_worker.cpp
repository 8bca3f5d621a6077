#include <cadre/this_worker.hpp>

#include <atomic>
#include <unordered_map>

#include <unistd.h>

#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::this_worker {

namespace {

std::atomic<std::size_t> process_index{0};
std::atomic<std::size_t> process_count{0};  // 0: not a worker process
std::string_view process_host;  // constant once the process is a worker

}  // namespace

std::size_t index() noexcept {
    if (process_count.load(std::memory_order_relaxed) != 0) return process_index.load(std::memory_order_relaxed);
    const auto* worker = cadre::detail::this_thread_worker;
    return worker != nullptr ? worker->index() : 0;
}

std::size_t count() noexcept {
    if (const std::size_t n = process_count.load(std::memory_order_relaxed); n != 0) return n;
    const auto* worker = cadre::detail::this_thread_worker;
    return worker != nullptr ? worker->backend()->concurrency() : 1;
}

pid_t pid() noexcept { return ::getpid(); }

namespace detail {

std::shared_ptr<void>& local_slot(const std::type_info& type) {
    static thread_local std::unordered_map<std::type_index, std::shared_ptr<void>> slots;
    return slots[std::type_index(type)];
}

void set_process_worker(std::size_t index, std::size_t count, std::string_view host) noexcept {
    process_host = host;
    process_index.store(index, std::memory_order_relaxed);
    process_count.store(count, std::memory_order_relaxed);
}

std::string_view process_worker_host() noexcept { return process_host; }

bool in_worker_process() noexcept { return process_count.load(std::memory_order_relaxed) != 0; }

}  // namespace detail
}  // namespace cadre::this_worker
