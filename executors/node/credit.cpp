#include "node/credit.hpp"

#include <algorithm>

namespace cadre::detail::node {

namespace {

constexpr double time_ahead = 2'000'000;  // nanoseconds of waiting work for each worker
constexpr double max_ahead = 512;
constexpr double max_credit = 32'768;  // the prefetch of a broker has 16 bits

}  // namespace

credit_control::credit_control(std::uint32_t workers) noexcept
    : workers_(std::max<std::uint32_t>(workers, 1)),
      credit_(static_cast<std::uint32_t>(std::min<double>(2.0 * workers_, max_credit))) {}

void credit_control::ended(std::uint32_t nanoseconds) noexcept {
    if (nanoseconds == 0) return;
    mean_time_ = mean_time_ == 0 ? nanoseconds : mean_time_ + (nanoseconds - mean_time_) / 16;
}

// Credit changes by a factor of two at least, because each change is a message.
bool credit_control::adapt(std::size_t held, std::size_t waiting) noexcept {
    const double begun = static_cast<double>(held - std::min(waiting, held));
    const double suspended = std::max(0.0, begun - workers_);
    const double ahead = mean_time_ == 0 ? 1.0 : std::clamp(time_ahead / mean_time_, 1.0, max_ahead);
    double target = suspended + workers_ * (1 + ahead);
    // All credit is used, and the workers have begun nearly all calls.
    if (held >= credit_ && waiting < workers_) target = std::max(target, 2.0 * credit_);
    target = std::clamp(target, 2.0 * workers_, std::max(max_credit, 2.0 * workers_));
    if (target < 2.0 * credit_ && target > credit_ / 2.0) return false;
    const auto before = credit_;
    credit_ = static_cast<std::uint32_t>(target);
    return credit_ != before;
}

}  // namespace cadre::detail::node
