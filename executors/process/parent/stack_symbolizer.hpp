/// @file
/// Completes calls whose error carries a symbolized stack, on a thread of its own: that takes a tenth of a second.
#pragma once

#include "process/parent/death.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace cadre::detail::process_parent {

/// The thread starts with the first crash that has a stack. Thread-safe.
class stack_symbolizer {
public:
    /// A call that was running when its worker crashed.
    struct crashed_call {
        portable_call* call;
        call_reply reply;  ///< without its error
        task_label task;
        std::shared_ptr<const death_notice> death;
    };

    stack_symbolizer() = default;
    stack_symbolizer(const stack_symbolizer&) = delete;
    stack_symbolizer& operator=(const stack_symbolizer&) = delete;
    /// Completes the calls that wait.
    ~stack_symbolizer();

    /// Without a thread, for lack of resources, completes the call here.
    void submit(crashed_call c) noexcept;

private:
    void run() noexcept;
    static void complete(crashed_call& c) noexcept;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<crashed_call> waiting_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace cadre::detail::process_parent
