#include "trace_recorder.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>
#include <unistd.h>

#include "base/process_owner.hpp"
#include "base/signals_blocked.hpp"
#include "trace.hpp"
#include "trace_file.hpp"

#include <cadre/detail/base/spin_mutex.hpp>

namespace cadre::detail {

constinit std::atomic<bool> tracing_flag{false};

void trace_begin(std::uint64_t id) noexcept {
    trace::event e;
    e.kind = trace::event_kind::begin;
    e.id = id;
    trace::record(std::move(e));
}

namespace trace {

namespace {

constexpr std::chrono::milliseconds write_interval{50};
// The capacity of a thread's buffer; further events are lost. The writer is woken when a quarter is used.
constexpr std::size_t max_buffered = std::size_t{1} << 16;

/// The events of one thread that have not been written.
struct thread_buffer {
    spin_mutex mutex;  // a leaf lock; guards the next three members
    std::vector<event> events;
    std::uint64_t lost = 0;
    bool ended = false;  // whether the thread has ended
    const pid_t tid = ::gettid();
    bool named = false;  // used by the writer only
};

// In a fork the trace is its parent's, whose writer may have held the mutex of the recorder at the fork.
std::atomic<bool> of_parent{false};
void leave_trace_to_parent() noexcept {
    tracing_flag.store(false);
    of_parent.store(true);
}

// The mutex guards the file and the list of buffers. It is locked before that of a buffer.
class recorder {
public:
    static recorder& instance() {
        static auto* const only = new recorder;  // threads record while static objects are destroyed
        return *only;
    }

    std::string start(const std::string& path) {
        const std::lock_guard hold(mutex_);
        if (file_.is_open()) return {};
        if (std::string why = file_.open(path); !why.empty()) return why;
        path_ = path;
        lost_ = 0;
        later_.clear();
        for (const auto& b : buffers_) {
            const std::lock_guard hold_buffer(b->mutex);
            b->events.clear();
            b->lost = 0;
        }
        owner_ = std::make_unique<process_owner>();
        of_parent.store(false, std::memory_order_relaxed);
        // A fork shares the file and has no writer thread. The file is also complete after `exit`.
        static const bool registered =
            ::pthread_atfork(nullptr, nullptr, leave_trace_to_parent) == 0 && std::atexit([] { trace::finish(); }) == 0;
        static_cast<void>(registered);
        start_writer();
        tracing_flag.store(true, std::memory_order_relaxed);
        return {};
    }

    void finish() {
        tracing_flag.store(false, std::memory_order_relaxed);
        if (of_parent.load(std::memory_order_relaxed)) return;
        const std::lock_guard hold(mutex_);
        if (!file_.is_open() || !owner_->here()) return;
        write_locked(true);
        file_.finish(now(), lost_);
        file_.close();
        ++trace_;  // ends the writer
        wake_.notify_all();
    }

    void lose(std::uint64_t count) noexcept {
        thread_buffer* const b = own_buffer();
        if (b == nullptr) return;
        const std::lock_guard hold(b->mutex);
        b->lost += count;
    }

    void add(event&& e) noexcept {
        thread_buffer* const b = own_buffer();
        if (b == nullptr) return;
        const bool elsewhere = e.pid != 0;
        bool wake = false;
        {
            const std::lock_guard hold(b->mutex);
            if (b->events.size() >= max_buffered) {
                ++b->lost;
                return;
            }
            if (!elsewhere) {
                e.time = now();  // under the lock, so that a batch of the writer is complete up to its time
                e.tid = b->tid;
            }
            try {
                b->events.push_back(std::move(e));
            } catch (const std::bad_alloc&) {
                ++b->lost;
            }
            wake = b->events.size() == max_buffered / 4;
        }
        if (wake) wake_.notify_one();
    }

private:
    /// Ends with its thread.
    struct thread_entry {
        std::shared_ptr<thread_buffer> buffer{};
        ~thread_entry() {
            gone = true;
            if (buffer == nullptr) return;
            const std::lock_guard hold(buffer->mutex);
            buffer->ended = true;
        }
        static inline constinit thread_local bool gone = false;
    };

    thread_buffer* own_buffer() noexcept {
        if (thread_entry::gone) return nullptr;
        static thread_local thread_entry own;
        if (own.buffer == nullptr) {
            try {
                auto fresh = std::make_shared<thread_buffer>();
                const std::lock_guard hold(mutex_);
                buffers_.push_back(fresh);
                own.buffer = std::move(fresh);
            } catch (const std::bad_alloc&) {
                return nullptr;
            }
        }
        return own.buffer.get();
    }

    // If no thread can be started, the events are written at the end of the trace.
    void start_writer() noexcept {
        const signals_blocked blocked;
        try {
            std::thread thread([this, trace = trace_] { run(trace); });
            ::pthread_setname_np(thread.native_handle(), "cadre-trace");
            thread.detach();
        } catch (const std::system_error&) {
        }
    }

    void run(std::uint64_t trace) noexcept {
        std::unique_lock hold(mutex_);
        while (trace_ == trace) {
            wake_.wait_for(hold, write_interval);
            if (trace_ == trace) write_locked(false);
        }
    }

    // Events that are recorded after this call has begun are left for the next one: earlier events of other threads may
    // still be missing.
    void write_locked(bool everything) noexcept {
        try {
            const std::int64_t complete_to = now();
            std::vector<event> batch = std::exchange(later_, {});
            std::erase_if(buffers_, [&](const auto& b) {
                std::vector<event> taken;
                bool ended = false;
                {
                    const std::lock_guard hold(b->mutex);
                    taken.swap(b->events);
                    lost_ += std::exchange(b->lost, 0);
                    ended = b->ended;
                }
                if (!taken.empty() && !std::exchange(b->named, true)) name(b->tid);
                std::ranges::move(taken, std::back_inserter(batch));
                return ended;
            });
            batch = in_order(std::move(batch));
            if (!everything) {
                const auto late = std::ranges::lower_bound(batch, complete_to, {}, &event::time);
                later_.assign(std::make_move_iterator(late), std::make_move_iterator(batch.end()));
                batch.erase(late, batch.end());
            }
            for (event& e : batch)
                if (e.pid == 0) e.pid = ::getpid();
            if (file_.write(batch)) return;
            std::fprintf(stderr, "cadre: the trace '%s' ends early: %s\n", path_.c_str(), std::strerror(errno));
        } catch (const std::bad_alloc&) {
            std::fprintf(stderr, "cadre: the trace '%s' ends early: not enough memory\n", path_.c_str());
        }
        tracing_flag.store(false, std::memory_order_relaxed);
        file_.close();
        ++trace_;
    }

    // Stable: events of one thread may have the same time.
    static std::vector<event> in_order(std::vector<event> events) {
        std::vector<std::size_t> order(events.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(events[i].time, i); });
        std::vector<event> sorted;
        sorted.reserve(events.size());
        for (const std::size_t i : order)
            sorted.push_back(std::move(events[i]));
        return sorted;
    }

    void name(pid_t tid) {
        char text[32] = "";
        const std::string path = "/proc/self/task/" + std::to_string(tid) + "/comm";
        if (std::FILE* const file = std::fopen(path.c_str(), "re"); file != nullptr) {
            if (std::fgets(text, sizeof text, file) != nullptr) text[std::strcspn(text, "\n")] = 0;
            std::fclose(file);
        }
        file_.name_thread(::getpid(), tid, text[0] != 0 ? text : "ended thread");
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<std::shared_ptr<thread_buffer>> buffers_;
    std::vector<event> later_;
    std::unique_ptr<process_owner> owner_;
    trace_file file_;
    std::string path_;
    std::uint64_t lost_ = 0;
    std::uint64_t trace_ = 0;  // the number of the trace; the writer of an older one ends
};

constinit thread_local sink* thread_sink = nullptr;
// In a worker process only the thread with a sink records.
constinit std::atomic<bool> recorder_made{false};

void record_here(event_kind kind, std::uint64_t id, std::string_view text = {}, std::uint8_t detail = 0) noexcept {
    try {
        event e;
        e.detail = detail;
        e.kind = kind;
        e.id = id;
        e.text = text;
        record(std::move(e));
    } catch (const std::bad_alloc&) {  // the event is lost
    }
}

}  // namespace

std::int64_t now() noexcept { return std::chrono::steady_clock::now().time_since_epoch().count(); }

void set_thread_sink(sink* s) noexcept { thread_sink = s; }

void record(event e) noexcept {
    if (thread_sink != nullptr) {
        e.time = now();
        thread_sink->put(e);
    } else if (recorder_made.load(std::memory_order_relaxed)) {
        recorder::instance().add(std::move(e));
    }
}

void lost(std::uint64_t count) noexcept { recorder::instance().lose(count); }

void submitted(std::uint64_t id, std::string_view name, submission what) noexcept {
    record_here(event_kind::submit, id, name, static_cast<std::uint8_t>(what));
}
void left(std::uint64_t id) noexcept { record_here(event_kind::leave, id); }
void runs(std::uint64_t id) noexcept { record_here(event_kind::run, id); }
void pauses() noexcept { record_here(event_kind::pause, 0); }
void mark(std::string text) noexcept { record_here(event_kind::mark, 0, text); }

void waits(const void* waiter, std::uint64_t id, wait_kind kind) noexcept {
    event e;
    e.kind = event_kind::wait;
    e.id = id;
    e.wait = reinterpret_cast<std::uintptr_t>(waiter);
    e.detail = static_cast<std::uint8_t>(kind);
    record(std::move(e));
}

void resumes(const void* waiter) noexcept {
    event e;
    e.kind = event_kind::resume;
    e.wait = reinterpret_cast<std::uintptr_t>(waiter);
    record(std::move(e));
}

std::string start(const std::string& path) {
    std::string why = recorder::instance().start(path);
    if (why.empty()) recorder_made.store(true, std::memory_order_relaxed);
    return why;
}

void finish() noexcept {
    try {
        recorder::instance().finish();
    } catch (const std::exception&) {  // out of memory: the file is in the state of the last write
    }
}

}  // namespace trace
}  // namespace cadre::detail
