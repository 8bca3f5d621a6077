/// @file
/// Records the run of an item in the trace.
#pragma once

#include "coroutine/trace.hpp"

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/runnable.hpp>

namespace cadre::detail {

/// Exists while a thread runs an item.
class traced_run {
public:
    explicit traced_run(runnable item) noexcept : on_(tracing()) {
        if (on_) [[unlikely]]
            begin(item.env());
    }
    /// Of the task `id`.
    explicit traced_run(std::uint64_t id) noexcept : on_(tracing()) {
        if (on_) [[unlikely]]
            trace::runs(id);
    }
    traced_run(const traced_run&) = delete;
    traced_run& operator=(const traced_run&) = delete;
    ~traced_run() {
        if (on_) [[unlikely]]
            trace::pauses();
    }

private:
    static void begin(const environment* env) noexcept {
        trace::runs(env != nullptr && env->info != nullptr ? env->info->id : 0);
    }
    const bool on_;
};

}  // namespace cadre::detail
