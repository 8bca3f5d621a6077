#include "backend_list.hpp"

#include <algorithm>
#include <mutex>

#include <cadre/executor_backend.hpp>

namespace cadre::detail {

// For debuggers, which find it by its name.
[[gnu::used]] constinit const std::vector<executor_backend*>* known_backends = nullptr;

namespace {

// A fork may find the mutex locked: a child of the program makes no executors, and ends without destroying those of its
// parent.
struct backends {
    std::mutex mutex;  // under it: registries count; no user code
    std::vector<executor_backend*> known;
    backends() noexcept { known_backends = &known; }
    static backends& instance() {
        static auto* const all = new backends;  // executors may outlive static destruction
        return *all;
    }
};

}  // namespace

void note_backend(executor_backend& backend) {
    auto& all = backends::instance();
    const std::lock_guard hold(all.mutex);
    all.known.push_back(&backend);
}

void forget_backend(executor_backend& backend) noexcept {
    auto& all = backends::instance();
    const std::lock_guard hold(all.mutex);
    std::erase(all.known, &backend);
}

std::vector<std::shared_ptr<executor_backend>> all_backends() {
    auto& all = backends::instance();
    std::vector<std::shared_ptr<executor_backend>> found;
    const std::lock_guard hold(all.mutex);
    for (executor_backend* const b : all.known)
        if (auto backend = b->weak_from_this().lock()) found.push_back(std::move(backend));
    return found;
}

// No virtual function is called: the derived part of a backend may be destroyed already.
bool work_outstanding(std::span<executor_backend* const> ignored) noexcept {
    auto& all = backends::instance();
    const std::lock_guard hold(all.mutex);
    return std::ranges::any_of(all.known, [&](executor_backend* b) {
        return std::ranges::find(ignored, b) == ignored.end() && b->registry().live() != 0;
    });
}

}  // namespace cadre::detail
