#include <cadre/task.hpp>

#include <stdexcept>

namespace cadre::detail {

void throw_empty_task() {
    throw std::logic_error("this cadre::task holds no coroutine: it is default-constructed, was moved from, or has "
                           "been awaited already (a task is "
                           "awaited once)");
}

}  // namespace cadre::detail
