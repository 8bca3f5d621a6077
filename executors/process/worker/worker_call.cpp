// The reports of a running call to its dispatcher. Its arguments: read_request in call_dispatcher.cpp reads their
// bytes, call_trampoline.hpp decodes them.

#include "process/worker/worker_call.hpp"

#include "process/os/crash_page.hpp"
#include "process/worker/call_dispatcher.hpp"
#include "process/worker/forked_child.hpp"

#include <array>
#include <new>
#include <span>
#include <utility>

namespace cadre::detail::process_worker {

namespace {

// Calls finish on any thread, so the list of free ones is thread-local: memory stays with the thread that frees it.
struct free_calls {
    static constexpr unsigned max_count = 256;
    void* first = nullptr;
    unsigned count = 0;
    ~free_calls() {
        while (first != nullptr)
            ::operator delete(std::exchange(first, *static_cast<void**>(first)));
        count = max_count;
    }
};
thread_local free_calls recycled;

}  // namespace

void* worker_call::operator new(std::size_t size) {
    if (recycled.first == nullptr) return ::operator new(size);
    --recycled.count;
    return std::exchange(recycled.first, *static_cast<void**>(recycled.first));
}

void worker_call::operator delete(void* memory, std::size_t) noexcept {
    if (recycled.count >= free_calls::max_count) {
        ::operator delete(memory);
        return;
    }
    *static_cast<void**>(memory) = std::exchange(recycled.first, memory);
    ++recycled.count;
}

void worker_call::begin_item(std::uint32_t index) noexcept {
    end_if_forked();
    failures_before = process_os::failed_allocations();
    if (timed && watch != process_plane::no_watch)
        dispatcher_.control().watches[watch].begin(ticket, index, round_timer::now());
}

void worker_call::commit_items(std::uint32_t items_done, byte_buffer bytes,
                               std::vector<unique_fd> result_descriptors) noexcept {
    end_if_forked();
    results.commit(dispatcher_.sender(), ticket, items_done, bytes.span(), std::move(result_descriptors));
}

// Of a timed chunk: whether no further item may begin, because a stop or a kill for the last one may be under way.
bool worker_call::item_stopped() noexcept {
    if (watch == process_plane::no_watch) return true;
    return !dispatcher_.control().watches[watch].end(ticket);
}

bool worker_call::ends_early() noexcept {
    if (timed && item_stopped()) return true;
    return stop.reason() > stop_reason::requested || dispatcher_.memory_exhausted() || results.full() ||
           error_bytes >= process_plane::max_chunk_results;
}

void worker_call::return_items(std::uint32_t from) noexcept {
    end_if_forked();
    dispatcher_.send_returned(*this, from);
}

invocation::raw_place worker_call::open_raw(std::uint32_t size) noexcept {
    if (!raw.open(dispatcher_.sender(), ticket, items, size)) return {};
    process_plane::raw_progress& progress = raw.progress();
    return {.words = &progress.words,
            .results = progress.data(),
            .watched = timed || dispatcher_.limits_memory(),
            .fork_word = worker_process->word(),
            .fork_token = worker_process->token()};
}

bool worker_call::fail_item(std::uint32_t index, std::span<const std::byte> error) noexcept {
    error_bytes += error.size();
    process_plane::event e{};
    e.kind = process_plane::event_kind::item_failed;
    e.id = ticket;
    e.items = index + 1;
    return dispatcher_.sender().send(e, std::array{error}, event_sender::notice::later);
}

void worker_call::end_fork() noexcept { end_if_forked(); }

void worker_call::finish(call_reply reply) noexcept {
    end_if_forked();
    dispatcher_.finish(this, std::move(reply));
}

}  // namespace cadre::detail::process_worker
