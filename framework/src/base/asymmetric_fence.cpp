#include <cadre/detail/base/asymmetric_fence.hpp>

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cadre/detail/base/sanitizers.hpp>

namespace cadre::detail {

namespace {

bool register_membarrier() noexcept {
    // A child inherits the registration at fork and loses it at exec, after which static initialisation registers
    // again.
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 &&
           ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

}  // namespace

bool membarrier_available() noexcept {
    static const bool available = register_membarrier();
    return available;
}

// False until initialised: both sides then use full fences, which order correctly with either kind.
#ifdef CADRE_TSAN
const bool fences_are_asymmetric = false;
#else
const bool fences_are_asymmetric = membarrier_available();
#endif

void membarrier_heavy() noexcept { ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0); }

}  // namespace cadre::detail
