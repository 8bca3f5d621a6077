/// @file
/// Calls that are submitted together.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// Many calls at a time cost the executor one pass over its queues and one wake. `Call` is a `portable_call` with a
/// member `submitted`.
template <class Call>
class call_batch {
public:
    explicit call_batch(std::shared_ptr<executor_backend> backend) : backend_(std::move(backend)) {
        if (backend_->remote()) calls_.reserve(max_size);
    }

    /// Submits the batch if it is full or if the last submission is too long ago: calls that are ready do not wait for
    /// an input that is slow.
    void add(Call& call) {
        calls_.push_back(&call);
        const auto now = std::chrono::steady_clock::now();
        if (calls_.size() < max_size && now - submitted_at_ < max_delay) return;
        submitted_at_ = now;
        submit();
    }
    void submit() noexcept {
        if (calls_.empty()) return;
        backend_->submit(std::span<portable_call* const>(calls_));
        for (portable_call* c : calls_)
            static_cast<Call*>(c)->submitted();
        calls_.clear();
    }

private:
    static constexpr std::size_t max_size = 64;  // the first calls are sent while more are encoded
    static constexpr std::chrono::microseconds max_delay{50};

    std::shared_ptr<executor_backend> backend_;
    std::vector<portable_call*> calls_;
    std::chrono::steady_clock::time_point submitted_at_{};
};

}  // namespace cadre::detail
