/// @file
/// The environment of the coroutine that awaits.
#pragma once

#include <coroutine>

#include <cadre/detail/coroutine/environment.hpp>

namespace cadre::detail {

/// Never suspends. In a stream it gives the environment of the stream's body.
class [[nodiscard]] environment_awaiter {
public:
    using resumes_at_home = void;
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
        env_ = environment_of_promise(h);
        return false;
    }
    [[nodiscard]] environment* await_resume() const noexcept { return env_; }

private:
    environment* env_ = nullptr;
};

}  // namespace cadre::detail
