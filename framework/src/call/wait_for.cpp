#include <cadre/wait_for.hpp>

#include <cadre/errors.hpp>
#include <cadre/timeout.hpp>

namespace cadre::detail {

task<bool> wait_for_job(std::chrono::nanoseconds limit, std::shared_ptr<job_state_base> job) {
    try {
        co_await timeout(limit, job_end_awaiter(job));
    } catch (const timed_out&) {  // NOLINT(bugprone-empty-catch): that is the answer
    }
    co_return job->ready();
}

}  // namespace cadre::detail
