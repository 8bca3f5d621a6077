/// @file
/// Reports the work for which a program waits at its end.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include <cadre/executor.hpp>

namespace cadre::detail {

/// If it lives longer than three seconds, prints a line for each executor whose work has not ended: the name of the
/// executor, how many tasks, and their names.
class shutdown_notice {
public:
    using executor_map = std::map<std::string, executor, std::less<>>;

    /// `executors` outlives the notice.
    explicit shutdown_notice(const executor_map& executors);
    shutdown_notice(const shutdown_notice&) = delete;
    shutdown_notice& operator=(const shutdown_notice&) = delete;
    ~shutdown_notice();

private:
    void wait(const executor_map& executors);

    std::mutex mutex_{};  // a leaf: guards the flag
    std::condition_variable ended_{};
    bool over_ = false;
    std::thread thread_{};
};

/// `cadre: waiting for executor 'cpu': 2 tasks have not ended since their stop was requested: resize, unnamed`
[[nodiscard]] std::string describe_unfinished(const executor& ex);

}  // namespace cadre::detail
