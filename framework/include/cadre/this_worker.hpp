/// @file
/// `this_worker`: which worker runs the calling code, and values of its own.
///
///     auto& cache = cadre::this_worker::local<lookup_cache>();
#pragma once

#include <cstddef>
#include <memory>
#include <typeindex>
#include <typeinfo>

#include <sys/types.h>

namespace cadre::this_worker {

/// The number of this worker among its executor's, from 0. On a process executor the worker process's, else the thread's;
/// 0 outside workers.
[[nodiscard]] std::size_t index() noexcept;
/// How many workers the executor has; 1 outside workers.
[[nodiscard]] std::size_t count() noexcept;
/// The process that this is.
[[nodiscard]] pid_t pid() noexcept;

namespace detail {

/// The calling worker's slot for values of type `type`; empty at first.
[[nodiscard]] std::shared_ptr<void>& local_slot(const std::type_info& type);
/// In a worker process: says which worker it is.
void set_process_worker(std::size_t index, std::size_t count) noexcept;

}  // namespace detail

/// One `T` for each worker, default-constructed on first use. In a worker process all tasks run on one thread; on a thread
/// executor the value belongs to the thread, and a reference to it must not be kept across `co_await`.
template <class T>
[[nodiscard]] T& local() {
    std::shared_ptr<void>& slot = detail::local_slot(typeid(T));
    if (slot == nullptr) slot = std::make_shared<T>();
    return *static_cast<T*>(slot.get());
}

}  // namespace cadre::this_worker
