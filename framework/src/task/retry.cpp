#include <cadre/retry.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string>

#include "scheduler/loop_control.hpp"

#include <cadre/errors.hpp>

namespace cadre::detail {

void check_retry_policy(const retry_policy& policy) {
    const auto require = [](bool holds, const char* what) {
        if (!holds) throw std::invalid_argument(std::string("retry_policy: ") + what);
    };
    require(policy.attempts >= 1, "attempts must be at least 1");
    require(policy.delay >= policy.delay.zero() && policy.max_delay >= policy.max_delay.zero(),
            "delay and max_delay must not be negative");
    require(policy.factor >= 1, "factor must be at least 1");
    require(policy.jitter >= 0 && policy.jitter <= 1, "jitter must be from 0 to 1");
}

namespace {

// From 0 to 1. On a loop with a seed it follows from the seed.
double random_part() {
    thread_local std::minstd_rand random(std::random_device{}());
    constexpr double largest = 9007199254740992.0;  // 2^53: what a double holds exactly
    if (loop_control* const control = control_here(); control != nullptr)
        return static_cast<double>(control->numbers.draw() >> 11) / largest;
    return std::uniform_real_distribution<double>(0, 1)(random);
}

}  // namespace

std::chrono::nanoseconds retry_delay(const retry_policy& policy, int failures) {
    if (policy.delay == policy.delay.zero())
        return policy.delay;  // zero and infinity are not changed by any power of the factor
    const auto longest = static_cast<double>(policy.max_delay.count());
    const double even =
        std::min(longest, static_cast<double>(policy.delay.count()) * std::pow(policy.factor, failures - 1));
    const double ns = even * (1 - policy.jitter + 2 * policy.jitter * random_part());
    return std::chrono::nanoseconds(ns < longest ? static_cast<std::chrono::nanoseconds::rep>(ns)
                                                 : policy.max_delay.count());
}

void require_another_attempt(const retry_policy& policy, int failures) {
    if (failures >= policy.attempts) throw;
    try {
        throw;
    } catch (const cancelled&) {
        throw;
    } catch (...) {  // NOLINT(bugprone-empty-catch): this one is retried
    }
}

}  // namespace cadre::detail
