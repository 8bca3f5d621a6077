/// @file
/// A work item that resumes a coroutine in its environment.
#pragma once

#include <coroutine>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>

namespace cadre::detail {

/// Lives in an awaiter; posted at most once at a time.
struct resume_item : work_item {
    std::coroutine_handle<> handle;

    void prepare(std::coroutine_handle<> h, environment* e) noexcept {
        run = [](work_item* self) noexcept {
            auto* item = static_cast<resume_item*>(self);
            set_current_environment(item->env);
            item->handle.resume();
        };
        env = e;
        handle = h;
    }
};

}  // namespace cadre::detail
