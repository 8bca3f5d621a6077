/// @file
/// The join of `when_all`: children are pushed where thieves find them, run here if nobody came, and the last to end
/// resumes the parent.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>

#include <cadre/detail/environment.hpp>
#include <cadre/detail/local_worker.hpp>
#include <cadre/detail/promise.hpp>
#include <cadre/detail/resume_item.hpp>

namespace cadre::detail {

class join;

/// One child of a join.
struct join_child final : work_item, completion {
    promise_base* promise = nullptr;
    std::coroutine_handle<> frame;
    join* owner = nullptr;
    /// How many ended children this one accounts for when it ends: itself and those that ended before it in the
    /// same chain of local runs.
    std::uint32_t weight = 1;
};

/// Waits for a fixed number of children.
///
/// A child that ends first looks at the bottom of its thread's deque: if a sibling is there, nobody stole it, and it is
/// run next and inherits the count of ended children. Only where such a chain breaks (the sibling was stolen, or other
/// work lies above it) is the count subtracted from the shared counter. So a fork nobody stole costs no atomic
/// read-modify-write, and the child that finds the whole count in its hands resumes the parent directly. The hand-over
/// of `weight` needs no synchronisation: it travels with the control flow of one chain, wherever that is resumed.
class join {
public:
    join() noexcept = default;
    join(join&&) noexcept {}  // moved only before it is started
    join& operator=(join&&) = delete;

    /// Starts all children: the first by transfer, the others behind it. @return what to resume
    [[nodiscard]] std::coroutine_handle<> start(std::coroutine_handle<> parent, environment* parent_env,
                                                std::span<join_child> children) noexcept {
        parent_ = parent;
        parent_env_ = parent_env;
        children_ = children.data();
        const auto n = static_cast<std::uint32_t>(children.size());
        total_ = n;
        remaining_.store(n, std::memory_order_relaxed);
        env_.home = parent_env->home;
        env_.info = parent_env->info;
        stop_.adopt(parent_env->stop);
        env_.stop = &stop_;
        for (join_child& child : children) {
            child.run = &run_child;
            child.env = &env_;
            child.done = &child_done;
            child.owner = this;
            child.promise->attach(&env_, child);
        }
        return launch(children);
    }

    [[nodiscard]] stop_state& stop() noexcept { return stop_; }
    /// The child that failed first, by time; null if none did.
    [[nodiscard]] join_child* first_failure() const noexcept { return first_failed_.load(std::memory_order_acquire); }
    /// The child that ended first (with `stop_on_first`).
    [[nodiscard]] join_child* first_end() const noexcept { return first_ended_.load(std::memory_order_acquire); }
    /// `when_any`: the first end of any kind asks the others to stop.
    void stop_on_first() noexcept { any_ = true; }

private:
    [[nodiscard]] std::coroutine_handle<> launch(std::span<join_child> children) noexcept;
    static void run_child(work_item* item) noexcept {
        auto* child = static_cast<join_child*>(item);
        set_current_environment(child->env);
        child->frame.resume();
    }
    [[nodiscard]] static std::coroutine_handle<> child_done(completion* c) noexcept {
        auto* child = static_cast<join_child*>(c);
        join& self = *child->owner;
        if (child->promise->failed() || self.any_) [[unlikely]]
            self.notice(*child);
        return self.next(*child);
    }
    [[nodiscard]] bool mine(const work_item* item) const noexcept {
        const auto* child = static_cast<const join_child*>(item);
        return std::less_equal<>{}(children_, child) && std::less<>{}(child, children_ + total_);
    }
    [[nodiscard]] std::coroutine_handle<> next(join_child& ended) noexcept {
        const std::uint32_t weight = ended.weight;
        if (weight == total_) return resume_parent();
        if (local_worker* w = worker_of(env_.home); w != nullptr) [[likely]] {
            if (work_item* top = w->deque().peek(); top != nullptr && mine(top)) {
                if (work_item* item = w->deque().pop(); item != nullptr) {
                    auto* sibling = static_cast<join_child*>(item);
                    sibling->weight = weight + 1;
                    return sibling->frame;
                }
            }
        }
        // Release: what the children of this chain wrote; acquire: what the others wrote, for the parent.
        if (remaining_.fetch_sub(weight, std::memory_order_acq_rel) == weight) return resume_parent();
        return std::noop_coroutine();
    }
    [[nodiscard]] std::coroutine_handle<> resume_parent() noexcept {
        if (parent_is_elsewhere()) [[unlikely]]
            return post_parent();
        set_current_environment(parent_env_);
        return parent_;
    }
    // A child may have moved itself with resume_on, or the home has no worker of ours (a user's executor).
    [[nodiscard]] bool parent_is_elsewhere() const noexcept { return worker_of(parent_env_->home) == nullptr; }
    [[nodiscard]] std::coroutine_handle<> post_parent() noexcept;
    void notice(join_child& child) noexcept;

    std::coroutine_handle<> parent_;
    environment* parent_env_ = nullptr;
    join_child* children_ = nullptr;
    std::uint32_t total_ = 0;
    bool any_ = false;
    std::atomic<std::uint32_t> remaining_{0};
    std::atomic<join_child*> first_failed_{nullptr};
    std::atomic<join_child*> first_ended_{nullptr};
    environment env_;
    stop_state stop_{nullptr, defer_stop_state};
    resume_item resume_;
};

}  // namespace cadre::detail
