/// @file
/// The clock of a worker's loop: how long each call kept it, and since when results wait to be announced.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace cadre::detail::process_worker {

class worker_call;

/// Times are nanoseconds of the steady clock. In a round, calls follow each other, so that one clock read ends a call
/// and begins the next. For the loop's thread.
class round_timer {
public:
    [[nodiscard]] static std::int64_t now() noexcept {
        return std::chrono::steady_clock::now().time_since_epoch().count();
    }

    void begin_round() noexcept {
        clock_ = 0;
        in_round_ = true;
    }
    void end_round() noexcept { in_round_ = false; }
    [[nodiscard]] bool in_round() const noexcept { return in_round_; }

    /// @return when `call` began
    std::int64_t begin(const worker_call& call) noexcept {
        began_ = clock_ != 0 ? clock_ : now();
        clock_ = began_;
        measured_ = &call;
        return began_;
    }
    /// `call` has finished. @return how long it kept the loop; 0 if it was suspended in between
    std::uint32_t finish(const worker_call& call) noexcept {
        if (measured_ != &call) return 0;
        measured_ = nullptr;
        return measure();
    }
    /// The function of the call has returned. If it has not finished it is suspended: it occupied the loop until now.
    void leave() noexcept {
        if (std::exchange(measured_, nullptr) != nullptr) (void)measure();
    }
    /// The call was not run.
    void cancel() noexcept { measured_ = nullptr; }
    /// The last measurement.
    [[nodiscard]] std::uint32_t last() const noexcept { return last_; }

    /// A result was sent of which the parent has not been notified.
    void start_pending() noexcept { pending_since_ = clock_; }
    [[nodiscard]] std::int64_t pending_for() const noexcept { return clock_ - pending_since_; }

private:
    std::uint32_t measure() noexcept {
        clock_ = now();
        last_ = static_cast<std::uint32_t>(std::clamp<std::int64_t>(clock_ - began_, 1, UINT32_MAX));
        return last_;
    }

    bool in_round_ = false;
    std::int64_t clock_ = 0;  // when the last call of this round ended; 0: none has
    std::int64_t began_ = 0;
    const worker_call* measured_ = nullptr;
    std::uint32_t last_ = 0;
    std::int64_t pending_since_ = 0;
};

}  // namespace cadre::detail::process_worker
