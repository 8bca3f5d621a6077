// Workers: how they start, what becomes of their calls when they die, how they leave.

#include "process/parent/pool.hpp"

#include "process/os/bootstrap.hpp"
#include "process/os/syscalls.hpp"
#include "process/parent/nested_call.hpp"
#include "process/plane/chunk_progress.hpp"

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/executors/workers.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace cadre::detail::process_parent {

using process_plane::call_memory;
using process_plane::function_slot;
using std::chrono::steady_clock;

namespace {

// A report follows the pidfd within microseconds; this long only if the fork server died with its worker.
constexpr std::chrono::milliseconds report_limit{2000};
// An idle worker leaves within a millisecond.
constexpr std::chrono::seconds leave_limit{2};

shm::state_plane& program_plane() {
    static std::mutex once;
    const std::lock_guard hold(once);
    if (shm::state_plane* const made = shm::state_plane::program(); made != nullptr) return *made;
    return shm::state_plane::create();
}

std::uint64_t next_portable_id() noexcept {
    static std::atomic<std::uint64_t> counter{0};
    return static_cast<std::uint64_t>(::getpid()) << 32 | ++counter;
}

function_slot encode_initializer(void (*initializer)()) {
    function_slot slot{};
    if (initializer == nullptr) return slot;
    byte_buffer bytes;
    encoder out(bytes);
    encode_function(out, identify_function(reinterpret_cast<const void*>(initializer)));
    if (bytes.size() > sizeof slot.bytes)
        throw config_error("the initializer is in a library whose path is too long to be sent to a worker");
    slot.size = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(slot.bytes, bytes.data(), bytes.size());
    return slot;
}

void copy_name(char (&to)[64], const std::string& name) noexcept {
    const std::size_t n = std::min(name.size(), sizeof to - 1);
    std::memcpy(to, name.data(), n);
    to[n] = 0;
}

}  // namespace

pool::pool(const process_options& options, std::string name, work_registry& registry)
    : name_(std::move(name)), workers_(static_cast<std::uint32_t>(resolve_workers(options.workers))), options_(options),
      portable_id_(next_portable_id()), registry_(registry), plane_(program_plane()), domain_(&plane_.open_domain()),
      initializer_(encode_initializer(options.initializer)), page_(process_plane::supervisor_status_page::create()),
      bell_(process_os::make_eventfd()), cores_(static_cast<unsigned>(default_concurrency())), channels_(workers_) {
    update_spare();
}

pool::~pool() {
    // Nobody submits or drains any more. What is left is ended by force: the launcher kills the workers.
    ended_calls ended;
    std::vector<shm::process_id> dead;
    {
        const std::lock_guard draining(drain_);
        const std::lock_guard hold(mutex_);
        quitting_ = true;
        for (auto& c : channels_) {
            if (c == nullptr) continue;
            process_os::kill_group(c->os.pidfd.get());
            (void)launcher_.wait_exit(c->os.pid, report_limit);
            take_back_queued(*c);
            while (!c->calls.empty())
                fail(*c->calls.front(), std::make_exception_ptr(executor_stopped()), ended);
            for (auto& [ticket, call] : c->nested)
                call->caller = nullptr;
            dead.push_back({c->slot, static_cast<std::uint32_t>(c->generation)});
            c.reset();
        }
        give_up(std::make_exception_ptr(executor_stopped()), ended);
    }
    tell(ended);
    for (const shm::process_id id : dead)
        plane_.recover(id);
    plane_.shut_down(domain_->id());
}

void pool::start() {
    if (process_os::in_worker())
        throw config_error("a worker process cannot have workers of its own; use this_task::executor()");
    for (std::uint32_t i = 0; i < workers_; ++i) {
        auto c = launch(i);
        const std::lock_guard draining(drain_);
        const std::lock_guard hold(mutex_);
        channels_[i] = std::move(c);
    }
}

std::unique_ptr<worker_connection> pool::launch(std::uint32_t index) {
    auto c = std::make_unique<worker_connection>(index);
    const auto id = plane_.claim_slot();
    if (!id)
        throw config_error("executor '" + name_ + "': no room for worker " + std::to_string(index) +
                           ": this program has as many processes as its shared memory serves");
    c->slot = id->slot;
    c->generation = id->generation;
    c->bell = plane_.processes().doorbell(id->slot);
    c->share = options_.max_tasks_per_worker;

    const bool piped = options_.output == worker_output::prefix || options_.output == worker_output::capture;
    process_plane::worker_setup& setup = c->memory.control().setup;
    setup.index = index;
    setup.count = workers_;
    setup.tasks_per_worker = static_cast<std::uint32_t>(std::min<std::size_t>(options_.tasks_per_worker, UINT32_MAX));
    setup.line_buffered = piped ? 1 : 0;
    setup.domain = domain_->id();
    setup.portable_id = portable_id_;
    setup.initializer = initializer_;
    copy_name(setup.executor_name, name_);

    try {
        process_os::worker_spec spec;
        spec.slot = id->slot;
        spec.generation = id->generation;
        spec.start = options_.start == start_method::spawn ? process_os::start_method::spawn
                                                           : process_os::start_method::forkserver;
        spec.fds = {c->memory.descriptor(), page_.descriptor(), bell_.get()};
        for (const int fd : plane_.descriptors())
            spec.fds.push_back(fd);
        spec.crash_fd = 0;
        spec.crash_offset = call_memory::crash_offset;
        spec.memory_limit = options_.memory_limit;
        if (const int cpu = options_.affinity.cpu_of(index); cpu >= 0) spec.affinity = {cpu};
        spec.name = "worker " + std::to_string(index);

        process_os::pipe_ends pipe;
        process_os::unique_fd nowhere;
        if (piped) {
            pipe = process_os::make_pipe();
            spec.stdout_fd = spec.stderr_fd = pipe.write.get();
        } else if (options_.output == worker_output::null) {
            nowhere = process_os::unique_fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
            if (!nowhere) process_os::throw_errno("open /dev/null");
            spec.stdout_fd = spec.stderr_fd = nowhere.get();
        }
        c->os = launcher_.launch(spec);
        if (piped)
            c->output.emplace(std::move(pipe.read), options_.output, [this, p = c.get()] { return prefix_of(*p); });
    } catch (...) {
        plane_.recover(*id);
        throw;
    }
    return c;
}

std::string pool::prefix_of(const worker_connection& c) const {
    const std::uint64_t running = c.memory.control().running.load(std::memory_order_relaxed);
    std::string text = "[worker " + std::to_string(c.index);
    const std::lock_guard hold(mutex_);
    for (const call_record* r = running == 0 ? nullptr : c.calls.front(); r != nullptr; r = r->next)
        if (r->id == running) {
            text += ' ' + r->call->options.name + '#' + std::to_string(r->id & 0xffffffffff);
            break;
        }
    return text + "] ";
}

worker_connection* pool::find_worker(std::uint64_t serial) noexcept {
    for (const auto& c : channels_)
        if (c != nullptr && c->serial == serial) return c.get();
    return nullptr;
}

std::vector<pool::watched> pool::watched_workers() {
    const std::lock_guard draining(drain_);
    std::vector<watched> all;
    for (const auto& c : channels_)
        if (c != nullptr) all.push_back({c->serial, c->os.pidfd.get(), c->output ? c->output->descriptor() : -1});
    return all;
}

bool pool::read_output(std::uint64_t serial) noexcept {
    // Only this thread replaces workers, so the channel stays although its lock is not held while its output is written.
    worker_connection* const c = [&] {
        const std::lock_guard draining(drain_);
        return find_worker(serial);
    }();
    return c != nullptr && c->output && c->output->read();
}

void pool::worker_ended(std::uint64_t serial) noexcept {
    worker_connection* const c = [&] {
        const std::lock_guard draining(drain_);
        return find_worker(serial);
    }();
    if (c == nullptr) return;
    auto how = launcher_.wait_exit(c->os.pid, report_limit);
    if (!how) how = process_os::worker_exit{.pid = c->os.pid};
    if (c->output) (void)c->output->read();

    const shm::process_id id{c->slot, static_cast<std::uint32_t>(c->generation)};
    ended_calls ended;
    std::vector<undertaker::burial> burials;
    std::unique_ptr<worker_connection> gone;
    {
        const std::lock_guard draining(drain_);
        {
            const std::lock_guard hold(mutex_);
            // What it had sent before it died counts; a ring that is full is the most there can be.
            (void)handle_events(*c, process_plane::event_slots, ended);
            bury(*c, *how, ended, burials);
            gone = std::move(channels_[c->index]);
            if (ended_with_ != nullptr) give_up(ended_with_, ended);  // what came back from it has nowhere to go
            place_queued_calls(ended);
        }
        tell(ended);
        start_nested();
    }
    // Without the locks: rings every process that waits for something the dead one held.
    plane_.recover(id);
    for (auto& b : burials)
        undertaker_.bury(std::move(b));
}

void pool::bury(worker_connection& c, const process_os::worker_exit& how, ended_calls& ended,
                std::vector<undertaker::burial>& burials) {
    const auto death =
        std::make_shared<death_notice>(describe_death(c.title(), how, process_os::read_crash_page(c.memory.crash())));
    death->violation = c.violation;
    if (c.output && options_.output == worker_output::capture) death->output = c.output->captured();
    const bool left = c.life == worker_connection::stage::leaving && c.violation.empty();
    c.life = worker_connection::stage::dying;

    // Newest first, so that those that go back to the head of the queue keep their order.
    take_back_queued(c);
    const std::uint64_t running = c.memory.control().running.load(std::memory_order_relaxed);
    bool attributed = false;
    for (const call_record* r = c.calls.front(); r != nullptr; r = r->next)
        attributed |= r->id == running;

    for (call_record* r = c.calls.back(); r != nullptr;) {
        call_record* const before = r->prev;
        // Not only the one whose turn came first: those that had been told to end, too, have not done so.
        const bool killed = c.killed && r->kill_at != time_point{};
        if (!killed && r->retries > 0 && r->stop == stop_reason::none && r->call->items == 1) {
            --r->retries;
            take_back(*r);
            r = before;
            continue;
        }
        take_committed(c, *r);
        const task_label task = label(*r);
        // A task of unknown name ran (a child of one of these): nobody can be cleared.
        const bool ran = running != 0 && (r->id == running || !attributed);
        if (killed) {
            const bool shutdown = !r->limit_passed && (quitting_ || registry_.closed());
            fail(*r, killed_error(*death, task, shutdown ? kill_reason::shutdown : kill_reason::time_limit), ended);
        } else if ((c.killed || !ran) && death->violation.empty()) {
            fail(*r, lost_error(*death, task, ran), ended);
        } else if (death->report.frames.empty() || death->out_of_memory) {
            fail(*r, crash_error(*death, task, {}), ended);
        } else {
            fail(*r, nullptr, ended);
            burials.push_back({ended.back().call, std::move(ended.back().reply), task, death});
            ended.pop_back();
        }
        r = before;
    }
    for (auto& [ticket, call] : c.nested) {
        call->caller = nullptr;
        if (call->backend_data != nullptr)
            ask_to_stop(*static_cast<call_record*>(call->backend_data), stop_reason::requested, ended);
    }
    c.nested.clear();

    if (!left) ++restarts_;
    if (!c.was_ready && !left && !quitting_) {
        ++failed_starts_;
        start_error_ =
            c.start_error != nullptr ? c.start_error : crash_error(*death, {"initializer", "its initializer"}, {});
    }
}

// A chunk's committed items are done, although nothing carried their results yet.
void pool::take_committed(const worker_connection& c, call_record& r) {
    using process_plane::chunk_progress;
    if (r.committed.size == 0) return;
    const auto& progress = *reinterpret_cast<const chunk_progress*>(c.memory.base() + r.committed.offset);
    const std::uint64_t word = progress.word.load(std::memory_order_acquire);
    const std::uint32_t items = chunk_progress::items(word);
    const std::uint32_t bytes = chunk_progress::bytes(word);
    if (items <= r.items_done || items > r.call->items || bytes > chunk_progress::room) return;
    r.partial.append(std::span(progress.data(), bytes));
    r.items_done = items;
}

bool pool::replace() noexcept {
    bool all = true;
    for (std::uint32_t i = 0; i < workers_; ++i) {
        ended_calls ended;
        {
            const std::lock_guard draining(drain_);
            if (channels_[i] != nullptr) continue;
            const std::lock_guard hold(mutex_);
            if (quitting_ || ended_with_ != nullptr) continue;
            // Every worker has tried, and two more: it is not going to work.
            if (failed_starts_ > workers_ + 1) give_up(start_error_, ended);
        }
        if (!ended.empty() || given_up()) {
            tell(ended);
            continue;
        }
        try {
            auto c = launch(i);
            const std::lock_guard draining(drain_);
            {
                const std::lock_guard hold(mutex_);
                channels_[i] = std::move(c);
                place_queued_calls(ended);
            }
            tell(ended);
        } catch (...) {
            const std::lock_guard hold(mutex_);
            ++failed_starts_;
            start_error_ = std::current_exception();
            all = false;
        }
    }
    return all;
}

bool pool::given_up() noexcept {
    const std::lock_guard hold(mutex_);
    return ended_with_ != nullptr;
}

void pool::give_up(std::exception_ptr why, ended_calls& ended) noexcept {
    ended_with_ = why;
    while (call_record* r = waiting_.front()) {
        waiting_.remove(*r);
        fail(*r, why, ended);
    }
}

void pool::request_stop_all(stop_reason why) noexcept {
    ended_calls ended;
    {
        const std::lock_guard hold(mutex_);
        for (std::size_t i = 0; i < table_.size(); ++i)
            if (call_record& r = table_.at(i); r.call != nullptr) ask_to_stop(r, why, ended);
    }
    tell(ended);
}

void pool::quit(std::function<void()> quit_done) noexcept {
    {
        std::unique_lock hold(mutex_);
        if (finished_) {
            hold.unlock();
            if (quit_done) quit_done();
            return;
        }
        if (quit_done) on_quit_.push_back(std::move(quit_done));
        if (!std::exchange(quitting_, true)) {
            quit_kill_at_ = steady_clock::now() + leave_limit;
            for (const auto& c : channels_)
                if (c != nullptr && c->accepts() && c->calls.empty()) say_quit(*c);
        }
    }
    wake_supervisor();
}

bool pool::finished() noexcept {
    std::vector<std::function<void()>> done;
    {
        const std::lock_guard draining(drain_);
        const std::lock_guard hold(mutex_);
        if (!quitting_) return false;
        if (std::any_of(channels_.begin(), channels_.end(), [](const auto& c) { return c != nullptr; })) return false;
        finished_ = true;
        done = std::exchange(on_quit_, {});
    }
    plane_.shut_down(domain_->id());  // whoever still waits on a channel or lock of this executor hears of it
    for (const auto& f : done)
        f();
    return true;
}

}  // namespace cadre::detail::process_parent
