/// @file
/// An arena of oneTBB threads.
#pragma once

#include <tbb/global_control.h>
#include <tbb/task_arena.h>

namespace bench {

class tbb_threads {
public:
    explicit tbb_threads(unsigned count)
        : limit_(tbb::global_control::max_allowed_parallelism, count), arena_(static_cast<int>(count)) {}

    /// Runs `f` on the calling thread, which is one of them.
    template <class F>
    auto run(F f) {
        return arena_.execute(f);
    }

private:
    tbb::global_control limit_;
    tbb::task_arena arena_;
};

}  // namespace bench
