/// @file
/// Completes calls whose error carries a resolved stack: that takes a tenth of a second, which nobody else should wait for.
#pragma once

#include "process/parent/death.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace cadre::detail::process_parent {

/// A thread that is started at the first death with a stack. Thread-safe.
class undertaker {
public:
    struct burial {
        portable_call* call;
        call_reply reply;  ///< without its error
        task_label task;
        std::shared_ptr<const death_notice> death;
    };

    undertaker() = default;
    undertaker(const undertaker&) = delete;
    undertaker& operator=(const undertaker&) = delete;
    /// Completes what is left.
    ~undertaker();

    void bury(burial b);

private:
    void run() noexcept;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<burial> waiting_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace cadre::detail::process_parent
