// What a worker may write into its call memory: events, bodies, the counts of its rings, its crash page. The parent
// handles the events and then the death of the worker; each call ends exactly once.

#include "process/parent/call_protocol.hpp"
#include "process/parent/death_recovery.hpp"
#include "process/parent/nested_call.hpp"
#include "process/parent/pool.hpp"
#include "process/parent/silent_workers.hpp"
#include "process/parent/time_limits.hpp"

#include <cadre/detail/codec/codec.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>

namespace {

using namespace std::chrono_literals;
using namespace cadre::detail;
using namespace cadre::detail::process_parent;
using process_plane::call_memory;
using process_plane::event;
using process_plane::event_slots;

/// The rest of the input, read as the fuzzer likes it.
class input {
public:
    explicit input(std::span<const std::byte> bytes) : bytes_(bytes) {}
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    std::span<const std::byte> take(std::size_t size) {
        const auto taken = bytes_.first(std::min(size, bytes_.size()));
        bytes_ = bytes_.subspan(taken.size());
        return taken;
    }
    template <class T>
    T take() {
        T value{};
        const auto taken = take(sizeof value);
        if (!taken.empty()) std::memcpy(&value, taken.data(), taken.size());
        return value;
    }

private:
    std::span<const std::byte> bytes_;
};

struct call final : portable_call {
    int ended = 0;
    void complete(call_reply reply) noexcept override {
        ++ended;
        if (reply.items_done > items) std::abort();
    }
};

void entry_of_calls(invocation&) noexcept {}

/// An executor with one worker that is no process.
class parent {
public:
    parent() {
        auto made = std::make_unique<worker_connection>(0, call_memory::area_size_for(1));
        made->launcher = &launcher_;
        worker_ = made.get();
        workers_.insert(std::move(made));
        for (std::size_t i = 0; i != calls_.size(); ++i) {
            calls_[i].entry = identify_function(reinterpret_cast<const void*>(&entry_of_calls));
            calls_[i].items = i % 2 == 0 ? 1 : 8;
            placement_.enqueue(calls_[i], false, ended_);
        }
        placement_.place_queued_calls(ended_);
        placement_.for_each_call([&](call_record& r) {
            if (tickets_ < known_.size()) known_[tickets_++] = call_table::ticket(r);
        });
    }

    // An event: its bytes, an external body among the first pages of the worker's area, a ticket that exists.
    void write_event(input& in, std::uint64_t at) {
        const auto how = in.take<std::uint8_t>();
        event e = in.take<event>();
        if ((how & 1) != 0 && tickets_ != 0) e.id = known_[e.id % tickets_];
        if ((how & 2) != 0) {
            process_plane::block b;
            std::memcpy(&b, e.body, sizeof b);
            b.offset = (call_memory::parent_area + call_memory::area_size_for(1)) + b.offset % area * 8 % area;
            b.size %= area;
            std::memcpy(e.body, &b, sizeof b);
            e.flags |= event::external;
            const auto body = in.take(how >> 4);
            if (!body.empty()) std::memcpy(memory() + b.offset, body.data(), body.size());
        }
        process_plane::slot& s = worker_->link.memory().parts().events[at % event_slots];
        process_plane::write_payload(s, e);
        s.word.store(process_plane::slot_word(at, process_plane::slot_state::queued));
    }

    void write_words(input& in) {
        auto& words = worker_->link.control();
        words.running.store(in.take<std::uint64_t>());
        words.requests_consumed.store(in.take<std::uint8_t>());
        words.replies_consumed.store(in.take<std::uint8_t>());
        process_plane::item_watch& watch = words.watches[in.take<std::uint8_t>() % 4];
        watch.word.store(in.take<std::uint64_t>());
        watch.begun.store(in.take<std::int64_t>());
        for (process_plane::slot& s : std::span(worker_->link.memory().parts().requests, 8))
            s.word.store(in.take<std::uint8_t>());
    }

    void handle() {
        (void)protocol_.handle_events(*worker_, event_slots, ended_);
        limits_.expire(std::chrono::steady_clock::now() + 1h, ended_);
        (void)silent_.check(std::chrono::steady_clock::now());
        placement_.rebalance(ended_);
        (void)worker_->link.flush();
    }

    void write_crash_page(input& in) {
        const auto page = in.take(process_os::crash_page_size);
        if (!page.empty()) std::memcpy(memory() + call_memory::crash_offset, page.data(), page.size());
    }

    // The worker dies, and the executor ends.
    void end() {
        death_recovery::crashed_calls crashed;
        nested_.start_received();
        (void)recovery_.recover(*worker_, {.pid = 1, .status = SIGSEGV, .status_known = true}, ended_, crashed);
        (void)workers_.remove(*worker_);
        placement_.fail_queued_calls(std::make_exception_ptr(cadre::executor_stopped()), ended_);
        for (auto& c : crashed)
            c.call->complete(std::move(c.reply));
        complete_all(ended_);
        for (const call& c : calls_)
            if (c.ended != 1) std::abort();
    }

private:
    static constexpr std::uint64_t area = 64 * 1024;
    [[nodiscard]] std::byte* memory() const { return worker_->link.memory().base(); }

    static pool& replies() {
        // Nested calls are refused: the executor that they belong to has shut down.
        static work_registry* const registry = new work_registry;
        static pool* const made = [] {
            registry->close([] {});
            return new pool({.workers = 1}, "fuzz", *registry);
        }();
        return *made;
    }

    const cadre::process_options options_{.workers = 1, .task_timeout = 10ms, .kill_grace = 0ms, .retries = 1};
    const std::string name_ = "fuzz";
    work_registry registry_;
    process_os::worker_launcher launcher_;
    status_publisher status_{1};
    deadline_queue deadlines_;
    worker_set workers_{1, 1s};
    placement placement_{options_, name_, workers_, status_, deadlines_};
    stop_requests stops_{0ms, placement_, deadlines_};
    nested_calls nested_{replies(), stops_, deadlines_};
    call_protocol protocol_{workers_, placement_, nested_};
    time_limits limits_{workers_, placement_, stops_, protocol_, deadlines_};
    silent_workers silent_{workers_, protocol_, options_.task_timeout};
    death_recovery recovery_{registry_, options_, workers_, placement_, nested_};
    worker_connection* worker_ = nullptr;
    std::array<call, 6> calls_{};
    std::array<std::uint64_t, 8> known_{};
    std::size_t tickets_ = 0;
    ended_calls ended_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input in(std::as_bytes(std::span(data, size)));
    parent p;
    p.write_words(in);
    const auto events = in.take<std::uint8_t>();
    for (std::uint64_t at = 0; at != events % 64 && !in.empty(); ++at)
        p.write_event(in, at);
    p.handle();
    p.write_words(in);
    p.write_crash_page(in);
    p.end();
    return 0;
}
