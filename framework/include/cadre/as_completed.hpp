/// @file
/// `as_completed`: jobs in the order in which they finish.
///
///     auto done = cadre::as_completed(std::move(jobs));
///     while (auto j = co_await done.next()) use(co_await *j);
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <cadre/job.hpp>
#include <cadre/stream.hpp>

namespace cadre {

/// A stream of `jobs` (moved from), each yielded when its work has ended, so that awaiting it does not suspend. Dropping
/// the stream drops the jobs that were not yielded. Stop: passed on to the jobs that have not ended; they are still all
/// yielded. Resumes: at home.
template <class R>
[[nodiscard]] stream<job<R>> as_completed(std::vector<job<R>> jobs) {
    auto bell = std::make_shared<detail::completion_queue>();
    for (std::size_t i = 0; i < jobs.size(); ++i)
        jobs[i].notify(bell, i);
    for (std::size_t left = jobs.size(); left > 0; --left) {
        auto arrival = bell->next();
        const std::size_t i = co_await arrival;
        co_yield std::move(jobs[i]);
    }
}

}  // namespace cadre
