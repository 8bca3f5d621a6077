/// @file
/// The awaitable behind waits for a change of shared bytes: events, latches, barriers and `shared_value::wait`.
#pragma once

#include <atomic>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <cadre/detail/coroutine/await_check.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/state_objects.hpp>

namespace cadre::detail {

/// The `index`-th word of a block. Fresh words are 0.
[[nodiscard]] inline std::atomic<std::uint64_t>& block_word(shared_block& block, std::size_t index) noexcept {
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
    return static_cast<std::atomic<std::uint64_t>*>(block.data())[index];
}

/// A block of `words` words in the domain of `ex`, in cache lines of its own.
/// @throws not_portable, executor_stopped, std::bad_alloc
[[nodiscard]] std::shared_ptr<shared_block> make_words(const executor& ex, std::size_t words);
/// The block of a decoded handle. @throws codec_error if it has fewer words
[[nodiscard]] std::shared_ptr<shared_block> take_words(decoder& in, std::size_t words);

/// The condition of a wait. `check` reads the bytes and returns would_block until the wait ends; it is called by one
/// thread at a time, and once more after each notification. Changes of the bytes by which it ends are sequentially
/// consistent.
template <class C>
concept block_condition = std::move_constructible<C> && requires(C c, shared_block& block) {
    { c.check(block) } noexcept -> std::same_as<op_status>;
};

/// A condition whose wait has changed the bytes. `withdraw` reverts that for a stop request, or returns false if the
/// condition is fulfilled by now.
template <class C>
concept withdrawable_condition = block_condition<C> && requires(C c, shared_block& block) {
    { c.withdraw(block) } noexcept -> std::same_as<bool>;
};

/// Waits until the condition is fulfilled. A condition may have `end(op_status)`, which translates a failure of its
/// own. One whose `only_waits` is true changes nothing, so that `select` may wait for it.
template <block_condition Condition>
class [[nodiscard]] block_operation {
public:
    using resumes_at_home = void;
    block_operation(std::shared_ptr<shared_block> block, Condition condition) noexcept
        : block_(std::move(block)), condition_(std::move(condition)) {}

    [[nodiscard]] bool await_ready() noexcept {
        check_.awaited();
        return try_now() != op_status::would_block && task_may_continue();
    }
    [[nodiscard]] op_status try_now() noexcept { return outcome_ = attempt(); }
    [[nodiscard]] shared_block& block() const noexcept { return *block_; }
    /// A select awaits the operation.
    void belongs_to_select() noexcept { check_.awaited(); }

    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        wait_kind kind = wait_kind::event;
        if constexpr (requires { Condition::waits_for; }) kind = Condition::waits_for;
        condition_wait& wait = wait_.emplace();
        wait.operation = this;
        wait.object = block_.get();
        wait.queue = shared_block::changes;
        wait.independent = true;
        wait.try_now = [](shared_object::pending_operation& p) noexcept {
            return static_cast<condition_wait&>(p).operation->attempt();
        };
        if constexpr (withdrawable_condition<Condition>) wait.withdraw = &withdraw;
        if (outcome_ != op_status::would_block) {
            wait.outcome = outcome_;
            wait.prepare(handle, environment_of(handle), nullptr);
            return defer_home(wait);
        }
        wait.prepare(handle, environment_of(handle), &shared_object::cancel, kind);
        return block_->park(wait) && wait.commit();
    }

    void await_resume() {
        if (wait_) {
            wait_->complete();
            outcome_ = wait_->outcome;
        }
        require_alive(outcome_);
        if constexpr (requires { condition_.end(outcome_); }) condition_.end(outcome_);
    }

private:
    struct condition_wait : shared_object::pending_operation {
        block_operation* operation = nullptr;
    };

    [[nodiscard]] op_status attempt() noexcept {
        const op_status alive = block_->alive();
        return alive == op_status::done ? condition_.check(*block_) : alive;
    }
    static bool withdraw(shared_object::pending_operation& p) noexcept {
        block_operation& self = *static_cast<condition_wait&>(p).operation;
        if (self.condition_.withdraw(*self.block_)) return true;
        p.outcome = self.attempt();
        return false;
    }

    std::shared_ptr<shared_block> block_;
    Condition condition_;
    op_status outcome_ = op_status::would_block;
    await_check<awaitable_kind::change> check_;
    std::optional<condition_wait> wait_;  // set when the operation suspends
};

}  // namespace cadre::detail
