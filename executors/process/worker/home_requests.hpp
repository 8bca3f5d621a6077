/// @file
/// Requests of a worker of an executor of several hosts to the home of its objects; they pass the parent process.
#pragma once

#include "process/plane/call_memory.hpp"
#include "process/worker/event_sender.hpp"

#include "state/remote_objects.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <unordered_map>

#include <sys/types.h>

namespace cadre::detail::process_worker {

/// Thread-safe.
class home_requests final : public home_transport {
public:
    explicit home_requests(event_sender& sender) : sender_(sender) {}

    void send(std::span<const std::span<const std::byte>> request, receiver* to) noexcept override;
    void stop(std::uint64_t ticket) noexcept override;
    /// On the loop's thread it reads the answers itself, and nothing else runs there meanwhile.
    void wait(const std::atomic<bool>& done) noexcept override;

    /// An answer from the parent; on the loop's thread.
    void handle_answer(const process_plane::event& e, std::span<const std::byte> body) noexcept;
    /// Once, before the first request: `read_replies` reads what the parent has sent, on the thread that calls this.
    void set_reader(std::function<void()> read_replies);

private:
    event_sender& sender_;
    std::function<void()> read_replies_;
    pid_t loop_thread_ = 0;

    std::mutex mutex_;  // a leaf: guards the members below
    std::uint64_t last_ticket_ = 0;
    std::unordered_map<std::uint64_t, receiver*> receivers_;
};

}  // namespace cadre::detail::process_worker
