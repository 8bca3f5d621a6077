/// @file
/// Ends a test that hangs.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace cadre::process_tests {

/// Aborts the program unless it is destroyed within `limit`, which is far longer than the guarded code needs.
class hang_guard {
public:
    explicit hang_guard(std::chrono::seconds limit = std::chrono::seconds(60))
        : watcher_([this, limit] {
              std::unique_lock hold(mutex_);
              if (ended_.wait_for(hold, limit, [this] { return over_; })) return;
              std::fputs("the test hangs\n", stderr);
              std::abort();
          }) {}
    hang_guard(const hang_guard&) = delete;
    hang_guard& operator=(const hang_guard&) = delete;
    ~hang_guard() {
        {
            const std::lock_guard hold(mutex_);
            over_ = true;
        }
        ended_.notify_one();
        watcher_.join();
    }

private:
    std::mutex mutex_;
    std::condition_variable ended_;
    bool over_ = false;
    std::thread watcher_;
};

}  // namespace cadre::process_tests
