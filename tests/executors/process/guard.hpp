/// @file
/// Ends a test that hangs.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include <cadre/detail/base/sanitizers.hpp>

namespace cadre::process_tests {

// Sanitizers make what only computes up to ten times as slow. The limits of CTest grow by the same factor.
#if defined(CADRE_ASAN) || defined(CADRE_TSAN)
inline constexpr int hang_limit_factor = 5;
#else
inline constexpr int hang_limit_factor = 1;
#endif

/// Aborts the program unless it is destroyed within `limit`, which is far longer than the guarded code needs; with
/// a sanitizer within five times as long.
class hang_guard {
public:
    explicit hang_guard(std::chrono::seconds limit = std::chrono::seconds(60))
        : watcher_([this, limit = limit * hang_limit_factor] {
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
