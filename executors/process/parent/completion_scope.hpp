/// @file
/// Whether this thread is telling a call that it has ended.
#pragma once

namespace cadre::detail::process_parent {

/// Lives while a thread completes calls, which it may do in the middle of a poll and with locks held. The end of a call may
/// drop the last handle of its executor: that must not be taken apart by such a thread, which would wait for itself.
class completion_scope {
public:
    completion_scope() noexcept { ++depth_; }
    completion_scope(const completion_scope&) = delete;
    completion_scope& operator=(const completion_scope&) = delete;
    ~completion_scope() { --depth_; }

    [[nodiscard]] static bool here() noexcept { return depth_ != 0; }

private:
    static inline constinit thread_local unsigned depth_ = 0;
};

}  // namespace cadre::detail::process_parent
