/// @file
/// Functions for tasks that break the protocol of their worker's call memory.
#pragma once

#include "support.hpp"

#include "process/plane/call_memory.hpp"

#include <cadre/errors.hpp>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

namespace cadre::process_tests {

/// In the worker: where its call memory is mapped.
inline detail::process_plane::call_memory::layout* find_memory() {
    FILE* const maps = std::fopen("/proc/self/maps", "r");
    char line[512];
    detail::process_plane::call_memory::layout* found = nullptr;
    while (found == nullptr && std::fgets(line, sizeof line, maps) != nullptr)
        if (std::strstr(line, "cadre-calls") != nullptr)
            found = reinterpret_cast<detail::process_plane::call_memory::layout*>(std::stoull(line, nullptr, 16));
    std::fclose(maps);
    return found;
}

/// Publishes `e` as the next event, as if the worker had sent it: when the parent has read those that it has sent. In
/// place of an unread one it could hide the end of another chunk.
inline void forge(detail::process_plane::call_memory::layout& m, const detail::process_plane::event& e) {
    using namespace detail::process_plane;
    std::uint64_t at = m.control.events_consumed.load();
    while (m.events[at % event_slots].word.load() == slot_word(at, slot_state::queued)) {
        std::this_thread::yield();
        at = m.control.events_consumed.load();
    }
    slot& s = m.events[at % event_slots];
    write_payload(s, e);
    s.word.store(slot_word(at, slot_state::queued));
}

/// The ticket of the calling task: that of the request that was claimed last.
inline std::uint64_t own_ticket(detail::process_plane::call_memory::layout& m) {
    using namespace detail::process_plane;
    std::uint64_t ticket = 0;
    std::uint64_t last = 0;
    for (slot& s : m.requests) {
        const std::uint64_t word = s.word.load();
        if (slot_state_of(word) != slot_state::claimed || word < last) continue;
        request q;
        read_payload(s, q);
        ticket = q.ticket;
        last = word;
    }
    return ticket;
}

/// The text of the `worker_crashed` with which the job ends.
template <class R>
task<std::string> watch(job<R> job) {
    while (!job.ready())
        co_await yield();  // a loop that polls often: no ring announces forged messages
    try {
        (void)co_await job;
    } catch (const worker_crashed& e) {
        co_return e.what();
    }
    co_return "nothing";
}

}  // namespace cadre::process_tests
