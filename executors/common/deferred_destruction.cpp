#include "common/deferred_destruction.hpp"

#include "base/signals_blocked.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace cadre::detail {

namespace {

constexpr std::chrono::steady_clock::duration report_after = std::chrono::seconds(3);

struct unfinished {
    std::mutex mutex;  // a leaf; destructors run without it
    std::condition_variable none;
    std::list<std::string> names;

    static unfinished& instance() {
        static auto* one = new unfinished;  // threads may outlive static destruction
        return *one;
    }
};

}  // namespace

void defer_destruction(std::string what, std::function<void()> destroy) {
    unfinished& all = unfinished::instance();
    const auto entry = [&] {
        const std::lock_guard hold(all.mutex);
        return all.names.insert(all.names.end(), std::move(what));
    }();
    const signals_blocked blocked;
    std::thread([destroy = std::move(destroy), &all, entry] {
        destroy();
        const std::lock_guard hold(all.mutex);
        all.names.erase(entry);
        if (all.names.empty()) all.none.notify_all();
    }).detach();
}

bool wait_for_deferred_destruction(std::chrono::steady_clock::duration limit) {
    unfinished& all = unfinished::instance();
    std::unique_lock hold(all.mutex);
    const auto ended = [&all] { return all.names.empty(); };
    if (all.none.wait_for(hold, std::min(limit, report_after), ended)) return true;
    if (limit <= report_after) return false;
    std::string names;
    for (const std::string& each : all.names)
        names += (names.empty() ? "" : ", ") + each;
    std::fprintf(stderr, "cadre: waiting for the work of %s to end\n", names.c_str());
    return all.none.wait_for(hold, limit - report_after, ended);
}

}  // namespace cadre::detail
