/// @file
/// Chunks that are submitted together.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include <cadre/detail/call/remote_chunk_core.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// Many calls at a time cost the executor one pass over its queues and one wake.
class call_batch {
public:
    explicit call_batch(std::shared_ptr<executor_backend> backend);

    /// Submits the batch if it is full or if the last submission is too long ago: calls that are ready do not wait for
    /// an input that is slow.
    void add(remote_chunk_core& chunk);
    void submit() noexcept;

private:
    std::shared_ptr<executor_backend> backend_;
    std::vector<portable_call*> calls_;  // of chunks
    std::chrono::steady_clock::time_point submitted_at_{};
};

}  // namespace cadre::detail
