#include <cadre/detail/call/parallel_loop.hpp>

#include <algorithm>
#include <span>

#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/errors.hpp>

namespace cadre::detail {

namespace {

// A batch costs two looks at the clock and an atomic addition, about 60 ns: nothing beside 10 microseconds. It is short enough
// for the workers to end at about the same time.
constexpr std::chrono::microseconds target_batch{10};
constexpr std::size_t max_batch = std::size_t{1} << 16;
// How long a runner may keep its worker while other work waits there.
constexpr std::chrono::microseconds turn{500};

}  // namespace

parallel_loop::runner::runner(parallel_loop& loop) noexcept : loop_(loop), stop_(&loop.stop_) {
    run = [](work_item* item) noexcept {
        auto& self = *static_cast<runner*>(item);
        self.loop_.run(self);
    };
    env_.home = loop.backend_.get();
    env_.stop = &stop_;
    env_.info = &loop.info_;
    work_item::env = &env_;
}

parallel_loop::parallel_loop(std::shared_ptr<executor_backend> backend, settings s)
    : backend_(std::move(backend)), settings_(std::move(s)), end_(settings_.size) {
    std::size_t workers = std::max<std::size_t>(1, backend_->concurrency());
    if (settings_.window != 0) workers = std::min(workers, settings_.window);
    const std::size_t batches =
        settings_.chunk == 0 ? settings_.size : (settings_.size + settings_.chunk - 1) / settings_.chunk;
    workers = std::min(workers, batches);
    info_.id = next_task_id();
    info_.name = settings_.name;
    info_.executor = backend_;
    root_.stop = &stop_;
    for (std::size_t i = 0; i < workers; ++i)
        runners_.emplace_back(*this).number_ = i;
}

bool parallel_loop::start(std::coroutine_handle<> h, environment* env) {
    if (settings_.size == 0) return false;
    stop_.adopt(env->stop);
    waiter_.prepare(h, env, [](waiter&) noexcept {});  // a stop request reaches the runners
    refused_ = !backend_->registry().enter(root_);
    if (refused_) return false;
    stop_listener_.loop = this;
    stop_listener_.fire = [](stop_node* node, stop_reason) noexcept {
        static_cast<stop_listener*>(node)->loop->lower_end(0);
    };
    stop_.add(stop_listener_);
    progress_.loop = this;
    progress_.env = env;
    progress_.run = [](work_item* item) noexcept {
        auto& loop = *static_cast<progress_item*>(item)->loop;
        set_current_environment(item->env);
        loop.progress_.posted.store(false, std::memory_order_seq_cst);
        try {
            loop.settings_.progress(loop.done_.load(std::memory_order_acquire), loop.settings_.size);
        } catch (...) {
            if (loop.progress_error_ == nullptr) loop.progress_error_ = std::current_exception();
            loop.lower_end(0);
        }
        loop.leave();
    };
    work_item* first = &runners_.front();
    backend_->submit(std::span(&first, 1));
    return waiter_.commit();
}

// Each runner starts two more, as the nodes of a binary heap lie: a wake-up costs its caller microseconds.
void parallel_loop::start_runners(std::size_t after) noexcept {
    for (std::size_t next = 2 * after + 1; next <= 2 * after + 2 && next < runners_.size(); ++next) {
        if (cursor_.load(std::memory_order_relaxed) >= end_.load(std::memory_order_relaxed)) return;
        parties_.fetch_add(1, std::memory_order_relaxed);
        work_item* item = &runners_[next];
        backend_->submit(std::span(&item, 1));
    }
}

bool parallel_loop::take_batch(runner& self, std::size_t& first, std::size_t& last) noexcept {
    const std::size_t end = end_.load(std::memory_order_relaxed);
    std::size_t n = settings_.chunk;
    if (n == 0) {
        const std::size_t at = cursor_.load(std::memory_order_relaxed);
        const std::size_t left = at < end ? end - at : 0;
        n = std::min(self.batch_, std::max<std::size_t>(1, left / (2 * runners_.size())));
    }
    if (settings_.window != 0) n = std::min(n, std::max<std::size_t>(1, settings_.window / runners_.size()));
    first = cursor_.fetch_add(n, std::memory_order_relaxed);
    last = std::min(first + n, settings_.size);
    return first < end_.load(std::memory_order_relaxed);
}

void parallel_loop::adapt(runner& self, clock::duration took) const noexcept {
    if (took < target_batch)
        self.batch_ = std::min(2 * self.batch_, max_batch);
    else if (took > 4 * target_batch)
        self.batch_ = std::max<std::size_t>(1, self.batch_ / 2);
}

void parallel_loop::run(runner& self) noexcept {
    set_current_environment(&self.env_);
    if (!std::exchange(self.has_begun_, true)) start_runners(self.number_);
    std::size_t first = 0;
    std::size_t last = 0;
    const auto turn_began = clock::now();
    auto before = turn_began;
    std::size_t unmeasured = 0;
    std::size_t stride = 1;  // batches between two looks at the clock: more if batches are fixed and short
    while (take_batch(self, first, last)) {
        done_.fetch_add(run_batch(self, first, last) - first, std::memory_order_release);
        if (++unmeasured < stride) continue;
        const auto now = clock::now();
        const auto took = (now - before) / static_cast<clock::rep>(unmeasured);
        adapt(self, took);
        if (settings_.chunk != 0) stride = took >= target_batch ? 1 : std::min<std::size_t>(2 * stride, 256);
        unmeasured = 0;
        before = now;
        if (settings_.progress) report_progress();
        if (now - turn_began >= turn && make_way(self)) return;
    }
    leave();
}

// Others wait for this worker: the runner goes on after them. @return false: nobody waits
bool parallel_loop::make_way(runner& self) noexcept {
    work_item* item = &self;
    local_worker* const worker = worker_of(backend_.get());
    if (worker == nullptr)
        backend_->submit(std::span(&item, 1));
    else if (worker->others_wait())
        worker->defer(item);
    else
        return false;
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

void parallel_loop::fail(std::size_t index, std::exception_ptr error) noexcept {
    {
        const std::lock_guard hold(failures_mutex_);
        failures_.push_back({index, std::move(error)});
    }
    if (settings_.stop_at_failure) stop_above(index);
}

void parallel_loop::report_progress() noexcept {
    if (progress_.posted.exchange(true, std::memory_order_seq_cst)) return;
    parties_.fetch_add(1, std::memory_order_relaxed);
    post_home(progress_);
}

void parallel_loop::leave() noexcept {
    if (parties_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const std::shared_ptr<executor_backend> keep = backend_;  // this loop may be gone after `waiter_.finish`
    stop_.remove(stop_listener_);
    keep->registry().begin_leave(root_);
    waiter_.finish();
    keep->registry().finish_leave();
}

void parallel_loop::finish() {
    (void)waiter_.detach();
    if (refused_) throw executor_stopped{};
    if (settings_.size == 0) return;
    if (progress_error_ != nullptr) std::rethrow_exception(progress_error_);
    if (settings_.progress) settings_.progress(done_.load(std::memory_order_acquire), settings_.size);
    if (settings_.stop_at_failure && !failures_.empty())
        std::rethrow_exception(std::ranges::min(failures_, {}, &failure::index).error);
    if (end_.load(std::memory_order_acquire) == 0 && done_.load(std::memory_order_acquire) < settings_.size)
        throw cancelled{};
}

}  // namespace cadre::detail
