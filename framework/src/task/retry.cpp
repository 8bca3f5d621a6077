#include <cadre/retry.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string>

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

std::chrono::nanoseconds retry_delay(const retry_policy& policy, int failures) {
    thread_local std::minstd_rand random(std::random_device{}());
    const auto longest = static_cast<double>(policy.max_delay.count());
    const double even =
        std::min(longest, static_cast<double>(policy.delay.count()) * std::pow(policy.factor, failures - 1));
    std::uniform_real_distribution<double> part(1 - policy.jitter, 1 + policy.jitter);
    const double ns = even * part(random);
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
