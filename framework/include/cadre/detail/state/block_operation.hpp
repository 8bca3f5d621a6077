/// @file
/// The awaitable behind waits for a change of shared bytes: events, latches, barriers and `shared_value::wait`.
#pragma once

#include <atomic>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include <cadre/detail/base/late_object.hpp>
#include <cadre/detail/coroutine/await_check.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/detail/state/cell_operation.hpp>
#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/state_objects.hpp>

namespace cadre::detail {

/// The `index`-th word of a block. Fresh words are 0.
[[nodiscard]] inline std::atomic<std::uint64_t>& block_word(shared_block& block, std::size_t index) noexcept {
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
    return static_cast<std::atomic<std::uint64_t>*>(block.data())[index];
}

/// A block of one word with this value in the domain of `ex`, in cache lines of its own.
/// @throws not_portable, executor_stopped, std::bad_alloc
[[nodiscard]] std::shared_ptr<shared_block> make_word(const executor& ex, std::uint64_t value);
/// The block of a decoded handle. @throws codec_error if it has no word
[[nodiscard]] std::shared_ptr<shared_block> take_word(decoder& in);

struct word_value {
    static constexpr std::size_t block_size = sizeof(std::uint64_t);
    [[nodiscard]] op_status check(shared_block& block) noexcept {
        value = block_word(block, 0).load();
        return op_status::done;
    }

    std::uint64_t value = 0;
};
/// The first word. @throws executor_stopped, std::bad_alloc if it is elsewhere
[[nodiscard]] inline std::uint64_t load_word(shared_block& block) { return perform_cell(block, word_value{}).value; }

/// A waiting coroutine, with the name of what it waits for, where the bytes are elsewhere.
struct cell_wait : shared_object::pending_operation {
    cell_function function = nullptr;
    std::byte* state = nullptr;
    std::size_t state_size = 0;
};

/// What a wait waits for: a cell_operation, or a condition whose member `at_home` is a cell_operation that represents
/// it.
template <class C>
concept block_condition =
    std::move_constructible<C> &&
    (cell_operation<C> || requires(C& c) { requires cell_operation<std::remove_cvref_t<decltype(c.at_home)>>; });

/// Waits until the condition is fulfilled. A condition may have `end(block, outcome)`, which translates a failure of
/// its own. One whose `only_waits` is true changes nothing, so that `select` may wait for it. If the bytes are
/// elsewhere, the condition is checked there: one round trip.
template <block_condition Condition>
class [[nodiscard]] block_operation {
public:
    using resumes_at_home = void;
    block_operation(std::shared_ptr<shared_block> block, Condition condition) noexcept
        : block_(std::move(block)), condition_(std::move(condition)) {}

    [[nodiscard]] bool await_ready() noexcept {
        check_.awaited();
        return !block_->elsewhere() && try_now() != op_status::would_block && task_may_continue();
    }
    [[nodiscard]] op_status try_now() noexcept { return outcome_ = attempt(); }
    [[nodiscard]] shared_block& block() const noexcept { return *block_; }
    /// A select awaits the operation.
    void belongs_to_select() noexcept { check_.awaited(); }
    /// Before `wait` is queued: what it waits for.
    void name(cell_wait& wait) noexcept {
        wait.object = block_.get();
        wait.queue = shared_block::changes;
        wait.independent = true;
        wait.function = cell_name<at_home>::function();
        wait.state = reinterpret_cast<std::byte*>(&condition());
        wait.state_size = sizeof(at_home);
    }

    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        wait_kind kind = wait_kind::event;
        if constexpr (requires { Condition::waits_for; }) kind = Condition::waits_for;
        condition_wait& wait = wait_.emplace();
        wait.operation = this;
        name(wait);
        wait.try_now = [](shared_object::pending_operation& p) noexcept {
            return static_cast<condition_wait&>(p).operation->attempt();
        };
        if constexpr (withdrawable_operation<at_home>) wait.withdraw = &withdraw;
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
        if constexpr (requires { condition_.end(*block_, outcome_); }) condition_.end(*block_, outcome_);
    }

private:
    struct condition_wait : cell_wait {
        block_operation* operation = nullptr;
    };
    [[nodiscard]] static auto& condition_of(Condition& c) noexcept {
        if constexpr (cell_operation<Condition>)
            return c;
        else
            return c.at_home;
    }
    using at_home = std::remove_cvref_t<decltype(condition_of(std::declval<Condition&>()))>;
    [[nodiscard]] at_home& condition() noexcept { return condition_of(condition_); }

    [[nodiscard]] op_status attempt() noexcept {
        const op_status alive = block_->alive();
        return alive == op_status::done ? try_cell(*block_, condition()) : alive;
    }
    static bool withdraw(shared_object::pending_operation& p) noexcept {
        block_operation& self = *static_cast<condition_wait&>(p).operation;
        if (self.condition().withdraw(*self.block_)) return true;
        p.outcome = self.attempt();
        return false;
    }

    std::shared_ptr<shared_block> block_;
    Condition condition_;
    op_status outcome_ = op_status::would_block;
    await_check<awaitable_kind::change> check_;
    late_object<condition_wait> wait_;  // set when the operation suspends
};

}  // namespace cadre::detail
