/// @file
/// `sync_wait`: block this thread until an awaitable has completed.
///
///     int n = cadre::sync_wait(answer());
#pragma once

#include <source_location>
#include <stdexcept>
#include <typeinfo>
#include <utility>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/detail/task/as_task.hpp>
#include <cadre/detail/task/block_on.hpp>

namespace cadre {

/// Runs `a` on a serial loop on the calling thread, and returns its result or throws its error. Meanwhile the thread
/// drives all serial executors of this process that no other thread drives.
///
/// In a function that `run_blocking` calls, the stop requests of the calling task are passed on to `a`.
/// @param where is named in reports of waiting tasks
/// @throws std::logic_error inside any other task: use `co_await` there; deadlock as `runtime::run` does
template <awaitable A>
await_result_t<A> sync_wait(A a, std::source_location where = std::source_location::current()) {
    const detail::environment* const outer = detail::current_environment();
    if (outer != nullptr && outer->home->query(typeid(detail::blocking_threads)) == nullptr)
        throw std::logic_error("sync_wait inside a task would block its executor: co_await the work instead");
    return detail::block_on(detail::run_loop::make("sync_wait"), outer != nullptr ? outer->stop : nullptr,
                            detail::as_task(std::move(a)), where);
}

CADRE_REFUSE_OTHERS(sync_wait, "cadre::sync_wait(awaitable) takes something that can be awaited, as a task");

}  // namespace cadre
