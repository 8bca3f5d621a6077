#include <cadre/detail/coroutine/await_transform.hpp>

namespace cadre::detail {

home_bridge home_bridge::body() { co_return; }

home_bridge home_bridge::make(environment* env, waiter& task) {
    home_bridge bridge = body();
    bridge.frame_.promise().env = env;
    bridge.frame_.promise().task = &task;
    return bridge;
}

}  // namespace cadre::detail
