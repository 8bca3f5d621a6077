/// @file
/// A work item that resumes a coroutine in its environment.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>

namespace cadre::detail {

/// Lives in an awaiter; posted at most once at a time.
struct resume_item : work_item {
    std::coroutine_handle<> handle;

    void prepare(std::coroutine_handle<> h, environment* e) noexcept {
        run = [](work_item* self) noexcept {
            auto* item = static_cast<resume_item*>(self);
            set_current_environment(item->env);
            item->handle.resume();
        };
        env = e;
        handle = h;
    }
};

/// The word of a `polled_item`, in front of the members that only the waiting thread uses.
struct polled_state {
    enum class state : std::uint8_t { posted, polled, done };
    std::atomic<state> state_{state::posted};
};

/// A `resume_item` for which the coroutine's home may poll while it has nothing else to do: the thread that completes
/// it then writes one word, beside its result, instead of a queue on other cache lines.
///
///     state    changed by                                                      to       order
///     posted   the waiting thread, before it publishes the item: home polls    polled   store, relaxed
///              `complete`, any thread, once: then it posts the item            done     exchange, acq_rel
///     polled   the home, before it stops polling                               posted   compare-exchange, acq_rel
///              `complete`: the home finds that, and resumes the coroutine      done     exchange, acq_rel
///
/// The release of `complete` pairs with the acquire of `completed` and of the compare-exchange.
class polled_item : polled_state, public resume_item {
public:
    /// The waiting thread, before the item is published. `home` is the worker of this thread, or null.
    void poll_by(local_worker* home) noexcept {
        if (home == nullptr || !home->expect(*this)) return;
        state_.store(state::polled, std::memory_order_relaxed);
    }
    /// The waiting thread: reverts `poll_by` for an item that has not been published.
    void post_instead(local_worker* home) noexcept {
        if (home != nullptr) home->expect_no_more(*this);
        state_.store(state::posted, std::memory_order_relaxed);
    }
    /// Any thread, once: resumes the coroutine at its home. The item may be destroyed before this returns.
    void complete() noexcept {
        if (state_.exchange(state::done, std::memory_order_acq_rel) == state::posted) post_home(*this);
    }

    /// The home.
    [[nodiscard]] bool completed() const noexcept { return state_.load(std::memory_order_acquire) == state::done; }
    /// The home stops polling. @return true: the item is completed, and the home resumes it
    [[nodiscard]] bool stop_polling() noexcept {
        state expected = state::polled;
        return !state_.compare_exchange_strong(expected, state::posted, std::memory_order_acq_rel);
    }
};

}  // namespace cadre::detail
