#include <cadre/detail/call/parallel_loop.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "coroutine/trace.hpp"

#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/detail/task/time_limit.hpp>
#include <cadre/errors.hpp>

namespace cadre::detail {

namespace {

// A batch costs an atomic addition on a shared cache line and a reading of the clock, which is negligible beside 10
// microseconds.
constexpr std::chrono::microseconds target_batch{10};
constexpr std::size_t max_batch = std::size_t{1} << 16;
// The number of chunks in which a batch is claimed if the chunk size is not fixed: other runners can take the chunks
// that remain.
constexpr std::size_t chunks_of_batch = 64;
// Chunks between two looks at the clock, at most.
constexpr std::size_t max_stride = 256;
// How long a runner may keep its worker while other work waits there.
constexpr std::chrono::microseconds max_run_time{500};

}  // namespace

parallel_loop::runner::runner(parallel_loop& loop) : loop_(loop), stop_(&loop.stop_) {
    item_ = queued_start::make(
        *loop.backend_, loop.info_.id,
        [](void* r) noexcept {
            auto& self = *static_cast<runner*>(r);
            if (tracing() && self.number_ == 0) [[unlikely]]
                trace_begin(self.loop_.info_.id);
            self.loop_.run(self);
        },
        this);
    env_.home = loop.backend_.get();
    env_.stop = &stop_;
    env_.info = &loop.info_;
}

parallel_loop::settings parallel_loop::normalized(settings s) {
    s.chunk = std::min(s.chunk, s.size);
    return s;
}

parallel_loop::batch_range::range parallel_loop::batch_range::claim(std::uint32_t max_count) noexcept {
    range r = range_.load(std::memory_order_relaxed);
    for (;;) {
        if (r.first == r.end) return r;
        const std::uint32_t to = r.first + std::min(max_count, r.end - r.first);
        if (range_.compare_exchange_weak(r, {to, r.end}, std::memory_order_relaxed)) return {r.first, to};
    }
}

parallel_loop::batch_range::range parallel_loop::batch_range::take_half() noexcept {
    range r = range_.load(std::memory_order_acquire);
    for (;;) {
        if (r.first == r.end) return r;
        const std::uint32_t middle = r.first + (r.end - r.first) / 2;
        if (range_.compare_exchange_weak(r, {r.first, middle}, std::memory_order_relaxed)) return {middle, r.end};
    }
}

parallel_loop::~parallel_loop() = default;

parallel_loop::parallel_loop(std::shared_ptr<executor_backend> backend, settings s, const callable_ref& callable)
    : backend_(std::move(backend)), settings_(normalized(std::move(s))), repeatable_(has_repeatable_order(*backend_)),
      unit_(settings_.size / std::numeric_limits<std::uint32_t>::max() + 1), end_(settings_.size) {
    std::size_t workers = std::max<std::size_t>(1, backend_->concurrency());
    if (settings_.window != 0) workers = std::min(workers, settings_.window);
    const std::size_t batches = settings_.chunk == 0
                                    ? settings_.size
                                    : settings_.size / settings_.chunk + (settings_.size % settings_.chunk != 0);
    workers = std::min(workers, batches);
    info_.id = next_task_id();
    info_.name = settings_.name;
    info_.executor = backend_;
    root_.stop = &stop_;
    root_.id = info_.id;
    root_.name = &info_.name;
    root_.callable = callable;
    root_.starter = current_task_id();
    for (std::size_t i = 0; i < workers; ++i) {
        runner& r = runners_.emplace_back(*this);
        r.number_ = i;
        r.chunk_ = std::max<std::size_t>(1, settings_.chunk / unit_);
    }
}

bool parallel_loop::start(std::coroutine_handle<> h, environment* env) {
    if (settings_.size == 0) return false;
    stop_.adopt(env->stop);
    waiter_.prepare(h, env, nullptr, wait_kind::map);  // a stop request reaches the runners
    refused_ = !backend_->registry().enter(root_);
    if (refused_) return false;
    if (tracing()) [[unlikely]] {
        work_registry::set_traced(root_);
        trace::submitted(root_.id, info_.name.empty() ? "map" : info_.name);
    }
    stop_listener_.loop = this;
    stop_listener_.fire = [](stop_node* node, stop_reason) noexcept {
        parallel_loop& loop = *static_cast<stop_listener*>(node)->loop;
        loop.lower_end(0);
        loop.withdraw_runners();
    };
    progress_.loop = this;
    progress_.env = env;
    progress_.run = [](work_item* item) noexcept {
        auto& loop = *static_cast<progress_item*>(item)->loop;
        set_current_environment(item->env);
        try {
            loop.call_progress();
        } catch (...) {
            if (loop.progress_error_ == nullptr) loop.progress_error_ = std::current_exception();
            loop.stop_.request_stop();
        }
        loop.progress_.posted.store(false,
                                    std::memory_order_seq_cst);  // not before: calls of `progress` do not overlap
        loop.leave();
    };
    stop_.add(stop_listener_);
    submit(runners_.front());
    return waiter_.commit();
}

// The item is marked, then `end_` is read; a stop request lowers `end_`, then withdraws what is marked: one of the two
// sees the other. A withdrawn item is submitted all the same: the queue returns it.
void parallel_loop::submit(runner& r) noexcept {
    references_.fetch_add(
        1, std::memory_order_relaxed);  // for this function: the runner may end the loop before it returns
    r.item_->mark_queued();
    if (end_.load(std::memory_order_seq_cst) == 0 && r.item_->withdraw()) leave();
    r.item_->submit();
    leave();
}

void parallel_loop::withdraw_runners() noexcept {
    for (runner& r : runners_)
        if (r.item_->withdraw()) leave();
}

// Runner i starts the runners 2i+1 and 2i+2: a wake-up costs its caller microseconds, which the tree spreads over the
// workers.
void parallel_loop::start_runners(std::size_t after) noexcept {
    for (std::size_t next = 2 * after + 1; next <= 2 * after + 2 && next < runners_.size(); ++next) {
        if (cursor_.load(std::memory_order_relaxed) >= end_.load(std::memory_order_relaxed)) return;
        references_.fetch_add(1, std::memory_order_relaxed);
        submit(runners_[next]);
    }
}

bool parallel_loop::take_batch(runner& self) noexcept {
    const std::size_t end = end_.load(std::memory_order_relaxed);
    const std::size_t units = end / unit_ + (end % unit_ != 0);
    const std::size_t at = cursor_.load(std::memory_order_relaxed);
    if (at >= units) return false;
    std::size_t n = std::min(self.batch_ * self.chunk_, std::max<std::size_t>(1, (units - at) / (2 * runners_.size())));
    n = std::max(n, self.chunk_);
    if (settings_.window != 0) n = std::min(n, std::max<std::size_t>(1, settings_.window / runners_.size()));
    const std::size_t first = cursor_.fetch_add(n, std::memory_order_relaxed);
    if (first >= units) return false;
    self.rest_.assign({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(std::min(first + n, units))});
    return true;
}

bool parallel_loop::take_from_others(runner& self) noexcept {
    for (std::size_t i = 1; i < runners_.size(); ++i) {
        const auto half = runners_[(self.number_ + i) % runners_.size()].rest_.take_half();
        if (half.first == half.end) continue;
        self.rest_.assign(half);
        return true;
    }
    return false;
}

parallel_loop::batch_range::range parallel_loop::claim(runner& self) noexcept {
    for (;;) {
        const auto claimed = self.rest_.claim(static_cast<std::uint32_t>(self.chunk_));
        if (claimed.first != claimed.end) return claimed;
        if (!take_batch(self) && !take_from_others(self)) return {0, 0};
    }
}

void parallel_loop::adapt(runner& self, clock::duration took, std::size_t chunks) const noexcept {
    const auto of_batch = took * self.batch_ / std::max<std::size_t>(1, chunks);
    const bool fixed = settings_.chunk != 0;
    if (of_batch < target_batch) {
        if (fixed || self.batch_ < chunks_of_batch)
            self.batch_ = std::min(2 * self.batch_, max_batch);
        else
            self.chunk_ = std::min(2 * self.chunk_, max_batch);
    } else if (of_batch > 4 * target_batch) {
        if (fixed || self.chunk_ == 1)
            self.batch_ = std::max<std::size_t>(1, self.batch_ / 2);
        else
            self.chunk_ /= 2;
    }
}

std::size_t parallel_loop::ended_indices() const noexcept {
    std::size_t sum = 0;
    for (const runner& r : runners_)
        sum += r.done_.load(std::memory_order_acquire);
    return sum;
}

void parallel_loop::run(runner& self) noexcept {
    set_current_environment(&self.env_);
    if (!std::exchange(self.has_begun_, true)) start_runners(self.number_);
    const auto run_began = clock::now();
    auto before = run_began;
    std::size_t unmeasured = 0;
    std::size_t stride = 1;  // chunks between two looks at the clock: more if they are short
    for (;;) {
        const auto claimed = claim(self);
        if (claimed.first == claimed.end) break;
        const std::size_t first = claimed.first * unit_;
        const std::size_t last = std::min(claimed.end * unit_, settings_.size);
        const std::size_t at = run_batch(self, first, last);
        self.done_.store(self.done_.load(std::memory_order_relaxed) + (at - first), std::memory_order_release);
        if (at != last) {
            self.rest_.clear();  // above a failure, unlike what other runners may have left
            continue;
        }
        if (repeatable_) {
            if (settings_.progress) report_progress();
            if (yield_worker(self)) return;
            continue;
        }
        if (++unmeasured < stride) continue;
        const auto now = clock::now();
        adapt(self, now - before, unmeasured);
        if (now - before > target_batch)
            stride = std::max<std::size_t>(1, stride / 2);
        else if (now - before < target_batch / 2)
            stride = std::min(2 * stride, max_stride);
        unmeasured = 0;
        before = now;
        if (settings_.progress) report_progress();
        if (now - run_began >= max_run_time && yield_worker(self)) return;
    }
    leave();
}

// Queues the runner again behind other work that is queued on this worker. @return false if there is none
bool parallel_loop::yield_worker(runner& self) noexcept {
    if (local_worker* const worker = worker_of(backend_.get()); worker != nullptr && !worker->others_wait())
        return false;
    submit(self);
    return true;
}

void parallel_loop::lower_end(std::size_t index) noexcept {
    std::size_t end = end_.load(std::memory_order_relaxed);
    while (index < end && !end_.compare_exchange_weak(end, index, std::memory_order_seq_cst)) {
    }
}

void parallel_loop::stop_above(std::size_t index) noexcept {
    lower_end(index);
    heavy_fence();
    for (runner& r : runners_)
        if (r.current_.load(std::memory_order_relaxed) > index) r.stop_.request_stop();
}

void parallel_loop::fail(std::size_t index, const std::exception_ptr& error) noexcept {
    {
        const std::lock_guard hold(failure_mutex_);
        failure_.add(index, error);
    }
    if (settings_.stop_at_failure) stop_above(index);
}

void parallel_loop::report_progress() noexcept {
    if (progress_.posted.exchange(true, std::memory_order_seq_cst)) return;
    references_.fetch_add(1, std::memory_order_relaxed);
    post_home(progress_);
}

// Runs at home, where calls do not overlap: each one reports more items than the one before.
void parallel_loop::call_progress() {
    const std::size_t ended = ended_indices();
    if (ended == std::exchange(reported_, ended)) return;
    settings_.progress(ended, settings_.size);
}

// May be called with the lock of the stop tree held.
void parallel_loop::leave() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) waiter_.finish();
}

void parallel_loop::finish() {
    (void)waiter_.detach();
    if (refused_) {
        if (settings_.stop_at_failure) throw executor_stopped{};
        const std::exception_ptr error = std::make_exception_ptr(executor_stopped{});
        for (std::size_t i = 0; i != settings_.size; ++i)
            refuse(i, error);
        return;
    }
    if (settings_.size == 0) return;
    stop_.remove(stop_listener_);
    for (runner& r : runners_)
        queued_start::release(std::move(r.item_), backend_);
    {
        const work_end end(backend_->registry(), root_);
    }
    if (progress_error_ != nullptr) std::rethrow_exception(progress_error_);
    if (settings_.progress) call_progress();
    try {
        if (settings_.stop_at_failure) failure_.rethrow();
        if (end_.load(std::memory_order_acquire) == 0 && ended_indices() < settings_.size) throw cancelled{};
    } catch (...) {
        note_limited_call(&stop_, std::current_exception(), [this] { return task_text(name(), callable()); });
        throw;
    }
}

parallel_loop::settings loop_settings(const executor& ex, const map_options& options, std::size_t size,
                                      bool stop_at_failure) {
    parallel_loop::settings s;
    s.size = size;
    s.item_limit = options.timeout.count() > 0 ? options.timeout : ex.options().timeout;
    s.chunk = s.item_limit.count() > 0 ? 1 : options.chunk;
    s.window = options.window;
    s.stop_at_failure = stop_at_failure;
    s.name = options.name.empty() ? ex.options().name : std::string(options.name);
    s.progress = options.progress;
    return s;
}

}  // namespace cadre::detail
