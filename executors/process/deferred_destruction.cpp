#include "process/deferred_destruction.hpp"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <utility>

namespace cadre::detail {

namespace {

struct unfinished {
    std::mutex mutex;
    std::condition_variable none;
    std::size_t count = 0;

    static unfinished& instance() {
        static auto* one = new unfinished;  // threads may outlive static destruction
        return *one;
    }
};

}  // namespace

void defer_destruction(std::function<void()> destroy) {
    unfinished& all = unfinished::instance();
    {
        const std::lock_guard hold(all.mutex);
        ++all.count;
    }
    std::thread([destroy = std::move(destroy), &all] {
        destroy();
        const std::lock_guard hold(all.mutex);
        if (--all.count == 0) all.none.notify_all();
    }).detach();
}

bool wait_for_deferred_destruction(std::chrono::steady_clock::duration limit) {
    unfinished& all = unfinished::instance();
    std::unique_lock hold(all.mutex);
    return all.none.wait_for(hold, limit, [&all] { return all.count == 0; });
}

}  // namespace cadre::detail
