/// @file
/// `this_worker`: which worker runs the calling code, and values that belong to it.
///
///     auto& cache = cadre::this_worker::local<lookup_cache>();
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <utility>

#include <sys/types.h>

namespace cadre::this_worker {

/// The index of this worker in its executor, from 0: of the worker process on a process executor, else of the thread. 0
/// outside of workers. On an executor of several hosts: in its host.
[[nodiscard]] std::size_t index() noexcept;
/// The number of workers of the executor, or of its part on this host; 1 outside of workers.
[[nodiscard]] std::size_t count() noexcept;
/// The id of this process.
[[nodiscard]] pid_t pid() noexcept;

namespace detail {

/// The calling worker's slot for values of type `type`; empty at first.
[[nodiscard]] std::shared_ptr<void>& local_slot(const std::type_info& type);
/// Makes this process the worker `index` of `count`. @param host named in errors, must live as long as the process;
/// empty: no host is named
void set_process_worker(std::size_t index, std::size_t count, std::string_view host = {}) noexcept;
/// The host that was set.
[[nodiscard]] std::string_view process_worker_host() noexcept;
/// Whether this process is a worker.
[[nodiscard]] bool in_worker_process() noexcept;

}  // namespace detail

/// The `T` of this worker, made from `args` on first use; later calls ignore them. In a worker process all tasks run on
/// one thread; on a thread executor the value belongs to the thread, and a reference to it must not be kept across
/// `co_await`. On a serial executor it belongs to the thread that drives it, which other serial executors share.
/// @throws what the constructor of `T` throws; then the next call makes it
template <class T, class... Args>
[[nodiscard]] std::add_lvalue_reference_t<T> local(Args&&... args) {
    constexpr bool value = std::is_object_v<T> && !std::is_array_v<T>;
    constexpr bool made = std::is_constructible_v<T, Args...>;
    static_assert(value, "cadre::this_worker::local<T>: T must be a value, no reference, array or void");
    static_assert(!value || made, "cadre::this_worker::local<T>(args...): T(args...) makes no T");
    if constexpr (value && made) {
        std::shared_ptr<void>& slot = detail::local_slot(typeid(T));
        if (slot == nullptr) slot = std::make_shared<T>(std::forward<Args>(args)...);
        return *static_cast<T*>(slot.get());
    } else {
        std::terminate();  // refused
    }
}

}  // namespace cadre::this_worker
