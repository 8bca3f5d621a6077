/// @file
/// `as_completed`: jobs in the order in which they complete.
///
///     auto done = cadre::as_completed(std::move(jobs));
///     while (auto j = co_await done.next()) use(co_await *j);
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/call/environment_awaiter.hpp>
#include <cadre/detail/call/job_completions.hpp>
#include <cadre/detail/call/stop_forwarder.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/stream.hpp>

namespace cadre {

namespace detail {

template <class R>
stream<job<R>> run_as_completed(std::vector<job<R>> jobs) {
    for (const job<R>& j : jobs)
        if (job_access::state(j) == nullptr) throw_empty_job();
    const auto completions = std::make_shared<job_completions>(jobs.size());
    for (std::size_t i = 0; i < jobs.size(); ++i)
        job_access::state(jobs[i])->notify({completions, &completions->queue()}, completions->node_of(i));
    const auto stop_jobs = [](void* all, stop_reason why) noexcept {
        for (const job<R>& j : *static_cast<std::vector<job<R>>*>(all))
            if (const auto& state = job_access::state(j); state != nullptr) state->request_stop(why);
    };
    completion_queue::nodes completed;
    for (std::size_t left = jobs.size(); left > 0;) {
        if (completed.empty()) completed.splice_back(completions->queue().try_take());
        if (completed.empty()) {
            bool stopped = false;
            {
                environment_awaiter here;
                const environment* env = co_await here;
                const stop_forwarder forward(env != nullptr ? env->stop : nullptr, stop_jobs, &jobs);
                auto next = completions->queue().take();
                completed.splice_back(co_await next);
                stopped = forward.stop_requested();
            }
            if (stopped) {
                stream_error stop_error(std::make_exception_ptr(cancelled{}));
                co_yield std::move(stop_error);
                continue;
            }
        }
        const std::size_t i = job_completions::index_of(*completed.pop_front());
        --left;
        co_yield std::move(jobs[i]);
    }
}

}  // namespace detail

/// A stream of the jobs, each yielded once its work has ended: awaiting a yielded job does not suspend.
///
/// @param jobs  moved from; the stream owns them. Destroying the stream drops the jobs that it has not yielded.
/// @return one element for each job, whether it succeeded or failed; errors are thrown where the job is awaited.
///
/// Stop: a request to the task that made the stream is passed on to all remaining jobs; a `next()` that waits throws
/// `cancelled` when the first of them has ended. A limit around one `next()` ends that wait alone. No job is lost:
/// later calls of `next()` yield the jobs that remain. A completed job is yielded even if stop was
/// requested. Resumes: at home. Not thread-safe: one consumer.
template <class R>
[[nodiscard]] stream<job<R>> as_completed(std::vector<job<R>>&& jobs) {
    return detail::run_as_completed(std::move(jobs));
}
CADRE_REFUSE_OTHERS(as_completed,
                    "cadre::as_completed(jobs) takes a std::vector of jobs, as spawn returns them, with std::move; for "
                    "tasks use when_all, or spawn them first");

}  // namespace cadre
