/// @file
/// The strand that the executors of one awaited Asio operation share: it runs the steps one at a time, at home.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/execution_context.hpp>

#include <cadre/detail/base/spin_mutex.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/detail/coroutine/work_item.hpp>

namespace cadre::detail {

class asio_wait;

/// A function that is queued for a strand. `run` calls it; `discard` destroys it without a call.
struct asio_step : work_item {
    void (*discard)(asio_step*) noexcept = nullptr;
};

/// The serialisation of one awaited operation, its cancellation signal and its home; counted references, recycled per
/// thread. It outlives the await for as long as a copy of the handler's executor exists. It does not keep the home
/// alive; functions for a home that is gone are destroyed, as those for a destroyed `io_context` are. No lock is held
/// while a step runs.
///
///     word         state           changed by                                       to               order
///     state_       0               `try_enter`, `enter`, any thread                 its thread's key compare-exchange, acquire
///                  key             `leave`, the same thread                         0                compare-exchange, release
///                  key             `enter`, another thread, with the mutex          key | waiting    compare-exchange, relaxed
///                  key | waiting   `leave`, the entered thread, with the mutex      0                store, release
///     references_  n               the awaiting thread, copies of an executor       n + 1            fetch_add, relaxed
///                  n               their ends; at 0 the strand is recycled          n - 1            fetch_sub, acq_rel
class asio_strand {
public:
    /// For an operation that a task with this home awaits. @return one reference
    [[nodiscard]] static asio_strand* take(executor_backend& home);
    asio_strand(const asio_strand&) = delete;
    asio_strand& operator=(const asio_strand&) = delete;

    void add_reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void drop_reference() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) recycle();
    }

    /// Begins a step, also inside another one of this thread. @return false if another thread runs one
    [[nodiscard]] bool try_enter() noexcept;
    /// The same; if it returns false, `step` is submitted to the home when the other thread has left.
    [[nodiscard]] bool enter(asio_step& step) noexcept;
    /// Ends a step. The caller must hold a reference.
    void leave() noexcept;
    /// Inside a step: the operation has ended; its wait is notified when the outermost step ends.
    void set_ended(asio_wait& wait) noexcept { ended_ = &wait; }

    /// Whether this thread may run steps: it runs work of the home.
    [[nodiscard]] bool at_home() const noexcept;
    /// Queues `step` at home. If the home is gone, discards it.
    void submit(asio_step& step) noexcept;
    /// Null if it is gone.
    [[nodiscard]] std::shared_ptr<executor_backend> home() const noexcept { return home_.lock(); }
    [[nodiscard]] boost::asio::execution_context& context() const;

    [[nodiscard]] boost::asio::cancellation_slot slot() noexcept { return signal_.slot(); }
    void emit_cancellation();

private:
    friend struct asio_strand_cache;

    static constexpr std::uintptr_t waiting = 1;

    asio_strand() noexcept = default;
    void bind(executor_backend& home);
    void recycle() noexcept;
    void leave_contended() noexcept;

    std::atomic<std::uintptr_t> state_{0};  // the address of a thread-local of the thread inside
    std::atomic<std::uint32_t> references_{1};
    std::uint32_t depth_ = 0;
    asio_wait* ended_ = nullptr;
    const executor_backend* home_key_ = nullptr;
    std::weak_ptr<executor_backend> home_;
    std::shared_ptr<executor_backend> kept_home_;  // the home of a task in a context of another library
    spin_mutex mutex_;
    work_item_queue waiting_;
    boost::asio::cancellation_signal signal_;
    asio_strand* next_ = nullptr;
};

/// Memory for handlers and the operations that they are part of: blocks of this thread's frame pool.
template <class T>
class frame_allocator {
public:
    using value_type = T;
    frame_allocator() noexcept = default;
    template <class U>
    explicit(false) frame_allocator(const frame_allocator<U>&) noexcept {}

    [[nodiscard]] T* allocate(std::size_t n) {
        if constexpr (alignof(T) > alignof(std::max_align_t))
            return std::allocator<T>().allocate(n);
        else
            return static_cast<T*>(allocate_frame(n * sizeof(T)));
    }
    void deallocate(T* p, std::size_t n) noexcept {
        if constexpr (alignof(T) > alignof(std::max_align_t))
            std::allocator<T>().deallocate(p, n);
        else
            free_frame(p, n * sizeof(T));
    }
    template <class U>
    friend bool operator==(const frame_allocator&, const frame_allocator<U>&) noexcept {
        return true;
    }
};

/// The executor that is associated with the handler of an awaited operation: a value, as all executors of Asio are.
/// Functions run at the task's home, one at a time; in place if the calling thread is at home and no other thread runs
/// one.
///
/// Copies stay valid after the await, the task and the home have ended. A home runs until it is shut down, whether work
/// is outstanding or not: work counts as tracked.
class asio_strand_executor {
public:
    /// A new reference to `strand`.
    explicit asio_strand_executor(asio_strand& strand) noexcept : strand_(&strand) { strand.add_reference(); }
    asio_strand_executor(const asio_strand_executor& other) noexcept
        : strand_(other.strand_), in_place_(other.in_place_) {
        strand_->add_reference();
    }
    asio_strand_executor(asio_strand_executor&& other) noexcept
        : strand_(std::exchange(other.strand_, nullptr)), in_place_(other.in_place_) {}
    asio_strand_executor& operator=(asio_strand_executor other) noexcept {
        std::swap(strand_, other.strand_);
        in_place_ = other.in_place_;
        return *this;
    }
    ~asio_strand_executor() {
        if (strand_ != nullptr) strand_->drop_reference();
    }

    template <class F>
    void execute(F&& f) const;

    [[nodiscard]] asio_strand_executor require(boost::asio::execution::blocking_t::possibly_t) const noexcept {
        return with(true);
    }
    [[nodiscard]] asio_strand_executor require(boost::asio::execution::blocking_t::never_t) const noexcept {
        return with(false);
    }
    [[nodiscard]] boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) const noexcept {
        return in_place_ ? boost::asio::execution::blocking_t(boost::asio::execution::blocking.possibly)
                         : boost::asio::execution::blocking_t(boost::asio::execution::blocking.never);
    }
    [[nodiscard]] static constexpr boost::asio::execution::outstanding_work_t
    query(boost::asio::execution::outstanding_work_t) noexcept {
        return boost::asio::execution::outstanding_work_t(boost::asio::execution::outstanding_work.tracked);
    }
    /// @throws executor_stopped if the home is gone; config_error if it runs no context
    [[nodiscard]] boost::asio::execution_context& query(boost::asio::execution::context_t) const {
        return strand_->context();
    }
    friend bool operator==(const asio_strand_executor&, const asio_strand_executor&) noexcept = default;

    /// Null if it is gone.
    [[nodiscard]] std::shared_ptr<executor_backend> home() const noexcept { return strand_->home(); }

private:
    [[nodiscard]] asio_strand_executor with(bool in_place) const noexcept {
        asio_strand_executor other(*this);
        other.in_place_ = in_place;
        return other;
    }

    asio_strand* strand_;
    bool in_place_ = true;
};

/// A function object that is queued for a strand.
template <class F>
class asio_posted_step : public asio_step {
public:
    template <class G>
    [[nodiscard]] static asio_posted_step* make(asio_strand& strand, G&& f) {
        frame_allocator<asio_posted_step> memory;
        asio_posted_step* step = memory.allocate(1);
        try {
            return std::construct_at(step, strand, std::forward<G>(f));
        } catch (...) {
            memory.deallocate(step, 1);
            throw;
        }
    }
    template <class G>
    asio_posted_step(asio_strand& strand, G&& f) : function_(std::forward<G>(f)), strand_(&strand) {
        strand.add_reference();
        run = [](work_item* item) noexcept { static_cast<asio_posted_step*>(item)->call(); };
        discard = [](asio_step* step) noexcept {
            auto* self = static_cast<asio_posted_step*>(step);
            asio_strand& where = *self->strand_;
            {
                [[maybe_unused]] const F unused(self->take());  // destroying it may end an await
            }
            where.drop_reference();
        };
    }

private:
    // Frees the step before the function runs: the function may allocate a block of the same size.
    F take() noexcept {
        F f(std::move(function_));
        std::destroy_at(this);
        frame_allocator<asio_posted_step>().deallocate(this, 1);
        return f;
    }
    void call() noexcept {
        asio_strand& where = *strand_;
        if (!where.enter(*this)) return;
        set_current_environment(nullptr);
        {
            F f(take());
            std::move(f)();
        }
        where.leave();
        where.drop_reference();
    }

    F function_;
    asio_strand* strand_;
};

template <class F>
void asio_strand_executor::execute(F&& f) const {
    asio_strand& strand = *strand_;
    if (in_place_ && strand.at_home() && strand.try_enter()) {
        // `f` may destroy this executor, and throw.
        struct entered {
            asio_strand& where;
            explicit entered(asio_strand& s) noexcept : where(s) { where.add_reference(); }
            entered(const entered&) = delete;
            entered& operator=(const entered&) = delete;
            ~entered() {
                where.leave();
                where.drop_reference();
            }
        } const inside(strand);
        std::forward<F>(f)();
        return;
    }
    strand.submit(*asio_posted_step<std::decay_t<F>>::make(strand, std::forward<F>(f)));
}

}  // namespace cadre::detail
