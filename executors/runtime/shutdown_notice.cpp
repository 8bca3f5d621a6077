#include "runtime/shutdown_notice.hpp"

#include "base/signals_blocked.hpp"
#include "config/suggest.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <system_error>
#include <vector>

#include <cadre/executor_backend.hpp>

namespace cadre::detail {
namespace {

constexpr std::chrono::seconds notice_delay{3};
constexpr std::size_t max_names = 8;

}  // namespace

std::string describe_unfinished(const executor& ex) {
    const work_registry& registry = ex.backend()->registry();
    const std::uint64_t count = registry.live();
    std::vector<std::string> names = registry.names(max_names);
    for (std::string& name : names)
        if (name.empty()) name = "unnamed";
    return "cadre: waiting for executor '" + ex.name() + "': " + std::to_string(count) +
           (count == 1 ? " task has" : " tasks have") + " not ended since stop was requested: " + listed(names) +
           (count > names.size() ? ", …" : "");
}

shutdown_notice::shutdown_notice(const executor_map& executors) {
    try {
        const signals_blocked blocked;
        thread_ = std::thread([this, &executors] { wait(executors); });
    } catch (const std::system_error&) {  // no thread is left: the program ends without the notice
    }
}

shutdown_notice::~shutdown_notice() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard hold(mutex_);
        over_ = true;
    }
    ended_.notify_one();
    thread_.join();
}

void shutdown_notice::wait(const executor_map& executors) {
    std::unique_lock hold(mutex_);
    if (ended_.wait_for(hold, notice_delay, [this] { return over_; })) return;
    hold.unlock();  // a user's executor is asked for its name
    for (const auto& [name, ex] : executors)
        if (ex.backend()->registry().live() != 0) std::fprintf(stderr, "%s\n", describe_unfinished(ex).c_str());
}

}  // namespace cadre::detail
