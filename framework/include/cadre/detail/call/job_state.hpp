/// @file
/// The state of a job that its handle, its awaiter and its work share.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <sys/types.h>

#include <cadre/detail/base/late_object.hpp>
#include <cadre/detail/call/completion_queue.hpp>
#include <cadre/detail/call/local_call.hpp>
#include <cadre/detail/call/packaged_call.hpp>
#include <cadre/detail/call/remote_call.hpp>
#include <cadre/detail/call/stop_forwarder.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/executor.hpp>

namespace cadre::detail {

class job_state_base;

[[nodiscard]] pid_t this_process_id() noexcept;
/// The name of this host.
[[nodiscard]] std::string this_host();

[[noreturn]] void throw_empty_job();
[[noreturn]] void throw_awaited_job();

/// A coroutine that awaits a job.
struct job_wait {
    waiter waiting;
    late_object<stop_forwarder> pass_stop_on;

    job_wait() noexcept = default;
    job_wait(job_wait&&) noexcept {}  // moved only before it is awaited
    void end() noexcept {
        (void)waiting.detach();
        pass_stop_on.reset();
    }
};

/// The part that does not depend on the result. The handle, an awaiter and the running work keep it alive.
class job_state_base : public std::enable_shared_from_this<job_state_base> {
public:
    job_state_base(const job_state_base&) = delete;
    job_state_base& operator=(const job_state_base&) = delete;
    virtual ~job_state_base();

    void request_stop(stop_reason why = stop_reason::requested) noexcept { stop_.request_stop(why); }
    /// `job::kill`: where work cannot be ended by force a stop request.
    virtual void kill() noexcept { request_stop(); }
    /// The right to take the result. @throws std::logic_error the second time
    void claim() {
        if (claimed_.exchange(true, std::memory_order_relaxed)) throw_awaited_job();
    }
    [[nodiscard]] bool ready() const noexcept { return ready_.load(std::memory_order_acquire); }
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] virtual pid_t worker_pid() const noexcept = 0;
    [[nodiscard]] virtual std::string worker_host() const { return this_host(); }
    /// The handle is destroyed: asks the work to stop.
    void abandon() noexcept {
        stop_.unfollow();
        if (!ready()) stop_.request_stop();
    }
    /// Pushes `node` to `queue` when the work has ended, at once if it has. The work shares the ownership of `queue`,
    /// which keeps `node` alive. At most once.
    void notify(std::shared_ptr<completion_queue> queue, completion_queue::node& node);
    /// Waits for the end of the work. @return whether the coroutine suspends
    [[nodiscard]] bool wait(job_wait& w, std::coroutine_handle<> h, environment* env) noexcept;
    /// Adds a waiter, which is prepared. @return false if the work has ended
    [[nodiscard]] bool add(waiter& w) noexcept;
    /// Removes a waiter. @return false if it was finished meanwhile
    [[nodiscard]] bool remove(waiter& w) noexcept;

protected:
    /// Follows the stop state of the calling task.
    job_state_base();
    /// The stop state of the work itself.
    [[nodiscard]] stop_state& work_stop() noexcept { return stop_; }
    /// The work has ended and its result is stored: notifies the waiters and the completion queue. May be called with
    /// the lock of the stop tree held.
    void announce() noexcept;
    /// The work has ended: it follows no other stop state.
    void unfollow() noexcept { stop_.unfollow(); }

    /// Stores `executor_stopped` if the work belongs to a process of which this one is a fork: it does not end here.
    /// @return whether it did
    [[nodiscard]] virtual bool fail_in_fork() noexcept = 0;

    std::uint64_t id_ = 0;

private:
    void end_in_fork() noexcept;

    stop_state stop_;
    std::mutex mutex_;  // a leaf; waiters are finished without it
    wait_list waiting_;
    std::shared_ptr<completion_queue> queue_;
    completion_queue::node* completion_ = nullptr;
    // false → true, once: `announce`, with release, after the result is stored and with `mutex_` held, so that `wait`
    // and `notify`, which check it under the mutex, are never missed. `ready` reads it with acquire before the result
    // is read.
    std::atomic<bool> ready_{false};
    // false → true, once: `claim`, relaxed: it guards no data.
    std::atomic<bool> claimed_{false};
};

template <class R>
class job_state : public job_state_base {
public:
    [[nodiscard]] virtual R take() = 0;
    /// Before `take`: adds to the origin of an error that the work has not thrown itself, such as its worker's death.
    virtual void add_origin(std::string_view) {}

protected:
    using job_state_base::job_state_base;
};

/// A job on a local executor; its own item in the executor's queue. The words:
///
///     place_   changed by                                                    to          order
///     queued   the worker that takes the item from the queue                 begun       compare-exchange, acq_rel
///              a stop request: the job ends at once, its item stays queued   withdrawn   compare-exchange, acq_rel
template <class Bound>
class local_job final : public job_state<typename Bound::result>, public local_work<Bound> {
    using result = typename Bound::result;

public:
    local_job(const executor& ex, Bound&& call)
        : local_work<Bound>(ex.backend(), &this->work_stop(), ex.options(), std::move(call)) {
        this->id_ = this->info().id;
        listener_.self = this;
        listener_.fire = [](stop_node* n, stop_reason) noexcept { static_cast<node*>(n)->self->withdraw(); };
    }
    void start_work() {
        if (!this->enter_home()) {
            this->fail(std::make_exception_ptr(executor_stopped{}));
            this->announce();
            return;
        }
        self_ = this->shared_from_this();
        work_item& item = *this;
        item.run = &on_run;
        item.env = &this->env();
        executor_backend& home = *this->env().home;
        this->work_stop().add(listener_);
        submit_in_order(home, item);
    }
    [[nodiscard]] pid_t worker_pid() const noexcept override { return this_process_id(); }
    [[nodiscard]] result take() override {
        if (place_.load(std::memory_order_acquire) == place::withdrawn) this->drop_call();
        return local_work<Bound>::take();
    }

private:
    [[nodiscard]] bool fail_in_fork() noexcept override {
        if (!this->env().home->registry().foreign()) return false;
        this->fail(std::make_exception_ptr(executor_stopped{}));
        return true;
    }
    enum class place : std::uint8_t { queued, begun, withdrawn };
    struct node : stop_node {
        local_job* self = nullptr;
    };
    [[nodiscard]] bool leave_queue(place to) noexcept {
        place expected = place::queued;
        return place_.compare_exchange_strong(expected, to, std::memory_order_acq_rel);
    }
    void withdraw() noexcept {
        if (!leave_queue(place::withdrawn)) return;
        this->fail(std::make_exception_ptr(cancelled{}));
        this->announce();
    }
    static void on_run(work_item* item) noexcept {
        auto& self = *static_cast<local_job*>(item);
        if (self.leave_queue(place::begun)) {
            self.work_stop().remove(self.listener_);
            return self.run_start();
        }
        const auto keep = std::move(self.self_);
        self.work_stop().remove(self.listener_);
        const work_end end(self.env().home->registry(), self.registration());
    }
    void ended() noexcept override {
        this->end_limit();
        this->drop_call();  // the handle may live on
        const auto keep = std::move(self_);
        this->unfollow();
        this->announce();
    }
    std::atomic<place> place_{place::queued};
    node listener_;
    std::shared_ptr<job_state_base> self_;
};

template <class Bound>
class remote_job final : public job_state<typename Bound::result>, private portable_call {
    using result = typename Bound::result;

public:
    remote_job(const executor& ex, Bound call) : submission_(ex.backend(), *this), call_(std::move(call)) {
        this->id_ = id = next_task_id();
        entry = trampoline_id<single_call<Bound>>();
        options = ex.options();
        encode_call(*this, *ex.backend(), context_, call_);
    }
    void start_work() {
        if (std::exception_ptr error = submission_.admit(&this->work_stop()); error != nullptr) {
            reply_ = failed_reply(std::move(error));
            this->announce();
            return;
        }
        self_ = this->shared_from_this();
        submission_.submit();
    }
    void kill() noexcept override { this->request_stop(stop_reason::kill); }
    [[nodiscard]] pid_t worker_pid() const noexcept override { return portable_call::worker_pid.load(); }
    [[nodiscard]] std::string worker_host() const override {
        const std::string* const other = portable_call::worker_host.load(std::memory_order_acquire);
        if (other != nullptr) return *other;
        return worker_pid() != 0 ? this_host() : std::string();
    }
    [[nodiscard]] result take() override {
        if (!has_origin_) submission_.name_origin(reply_);
        submission_.note_end(reply_, &this->work_stop());
        return read_reply<result>(reply_);
    }
    void add_origin(std::string_view text) override {
        submission_.name_origin(reply_, text);
        has_origin_ = true;
    }

private:
    [[nodiscard]] bool fail_in_fork() noexcept override {
        if (!submission_.foreign()) return false;
        reply_ = failed_reply(std::make_exception_ptr(executor_stopped{}));
        return true;
    }
    void complete(call_reply reply) noexcept override {
        reply_ = std::move(reply);
        descriptors.clear();
        const auto keep = std::move(self_);
        submission_.unlink();
        submission_.end_limit(reply_);
        this->unfollow();
        submission_.leave([this]() noexcept { this->announce(); });
    }
    remote_submission submission_;
    codec_context context_;
    Bound call_;  // the arguments may refer to it
    call_reply reply_;
    bool has_origin_ = false;
    std::shared_ptr<job_state_base> self_;
};

template <class Bound>
std::shared_ptr<job_state<typename Bound::result>> start_local_job(const executor& ex, Bound call) {
    auto state = std::make_shared<local_job<Bound>>(ex, std::move(call));
    state->start_work();
    return state;
}

template <class Bound>
std::shared_ptr<job_state<typename Bound::result>> start_job(const executor& ex, Bound call) {
    if (!ex.backend()->remote()) return start_local_job(ex, std::move(call));
    auto state = std::make_shared<remote_job<Bound>>(ex, std::move(call));
    state->start_work();
    return state;
}

}  // namespace cadre::detail
