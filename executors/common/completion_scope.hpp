/// @file
/// Whether this thread is completing calls.
#pragma once

namespace cadre::detail {

/// Lives while a thread completes calls, which it may do while it polls event sources and holds locks of a pool. A
/// completion may drop the last handle of an executor, which such a thread must not destroy: it would wait for itself.
class completion_scope {
public:
    completion_scope() noexcept { ++depth_; }
    completion_scope(const completion_scope&) = delete;
    completion_scope& operator=(const completion_scope&) = delete;
    ~completion_scope() { --depth_; }

    [[nodiscard]] static bool active() noexcept { return depth_ != 0; }

private:
    static inline constinit thread_local unsigned depth_ = 0;
};

}  // namespace cadre::detail
