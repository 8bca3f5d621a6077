#include <cadre/detail/coroutine/wait_note.hpp>
#include <cadre/detail/coroutine/waits_in_progress.hpp>

#include <map>
#include <mutex>

namespace cadre::detail {

constinit thread_local waits_in_progress* this_thread_waits = nullptr;

void waits_in_progress::add(const void* waiter, const wait_note& note) { notes_.insert_or_assign(waiter, note); }

void waits_in_progress::remove(const void* waiter) noexcept { notes_.erase(waiter); }

const char* to_string(wait_kind kind) noexcept {
    switch (kind) {
        case wait_kind::event: return "an event";
        case wait_kind::sleep: return "a time to come (sleep)";
        case wait_kind::send: return "room in a channel (send)";
        case wait_kind::receive: return "a message from a channel (receive)";
        case wait_kind::lock: return "a lock";
        case wait_kind::permits: return "permits of a semaphore";
        case wait_kind::notification: return "a notification of a condition variable";
        case wait_kind::latch: return "a latch";
        case wait_kind::barrier: return "the others at a barrier";
        case wait_kind::value: return "a change of a shared value";
        case wait_kind::select: return "one of several operations (select)";
        case wait_kind::element: return "the next element of a stream";
        case wait_kind::buffer: return "the buffer of a stream";
        case wait_kind::job: return "a job";
        case wait_kind::call: return "a call on another executor";
        case wait_kind::map: return "a map";
        case wait_kind::join: return "the tasks of a scope (join)";
        case wait_kind::shared_task: return "a shared task";
        case wait_kind::work: return "work";
        case wait_kind::foreign: return "an awaitable of another library";
    }
    return "something unknown";
}

namespace {

using key = void (*)();
using wait_describer = wait_note (*)(const stop_node&) noexcept;
using origin_describer = task_origin (*)(const completion&) noexcept;

struct descriptions {
    std::mutex mutex;  // a leaf
    std::map<key, wait_describer> waits;
    std::map<key, origin_describer> origins;
    static descriptions& instance() {
        static auto* const all = new descriptions;  // static objects of other files use it
        return *all;
    }
};

template <class Map>
typename Map::mapped_type find(const Map& map, key k) noexcept {
    const auto at = map.find(k);
    return at == map.end() ? nullptr : at->second;
}

}  // namespace

bool describe_waits(key fire, wait_describer describe) {
    auto& all = descriptions::instance();
    const std::lock_guard hold(all.mutex);
    all.waits[fire] = describe;
    return true;
}

bool describe_origins(key done, origin_describer describe) {
    auto& all = descriptions::instance();
    const std::lock_guard hold(all.mutex);
    all.origins[done] = describe;
    return true;
}

wait_describer wait_description(key fire) noexcept {
    auto& all = descriptions::instance();
    const std::lock_guard hold(all.mutex);
    return find(all.waits, fire);
}

origin_describer origin_description(key done) noexcept {
    auto& all = descriptions::instance();
    const std::lock_guard hold(all.mutex);
    return find(all.origins, done);
}

}  // namespace cadre::detail
