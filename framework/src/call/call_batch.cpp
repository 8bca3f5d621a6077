#include <cadre/detail/call/call_batch.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace cadre::detail {
namespace {

constexpr std::size_t max_size = 64;  // the first calls travel while more are encoded
constexpr std::chrono::microseconds max_delay{50};

}  // namespace

call_batch::call_batch(std::shared_ptr<executor_backend> backend) : backend_(std::move(backend)) {
    if (backend_->remote()) calls_.reserve(max_size);
}

void call_batch::add(remote_chunk_core& chunk) {
    calls_.push_back(&chunk);
    const auto now = std::chrono::steady_clock::now();
    if (calls_.size() < max_size && now - submitted_at_ < max_delay) return;
    submitted_at_ = now;
    submit();
}

void call_batch::submit() noexcept {
    if (calls_.empty()) return;
    backend_->submit(std::span<portable_call* const>(calls_));
    for (portable_call* c : calls_)
        static_cast<remote_chunk_core*>(c)->submitted();
    calls_.clear();
}

}  // namespace cadre::detail
