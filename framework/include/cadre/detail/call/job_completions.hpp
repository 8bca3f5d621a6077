/// @file
/// The completions of a set of jobs, for `as_completed`.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <cadre/detail/call/completion_queue.hpp>

namespace cadre::detail {

/// One queue and a node for each job. Shared by the stream and the jobs' work, which may end after the stream.
class job_completions {
public:
    explicit job_completions(std::size_t jobs) : nodes_(jobs) {
        for (std::size_t i = 0; i < jobs; ++i)
            nodes_[i].index = i;
    }
    job_completions(const job_completions&) = delete;
    job_completions& operator=(const job_completions&) = delete;

    [[nodiscard]] completion_queue& queue() noexcept { return queue_; }
    [[nodiscard]] completion_queue::node& node_of(std::size_t job) noexcept { return nodes_[job]; }
    [[nodiscard]] static std::size_t index_of(const completion_queue::node& completed) noexcept {
        return static_cast<const numbered&>(completed).index;
    }

private:
    struct numbered : completion_queue::node {
        std::size_t index = 0;
    };
    completion_queue queue_;
    std::vector<numbered> nodes_;
};

}  // namespace cadre::detail
