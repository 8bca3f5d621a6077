/// @file
/// Stop propagation in a tree of tasks: an intrusive, lazily linked stop state in the awaiter's frame.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <vector>

#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/base/intrusive_list.hpp>
#include <cadre/detail/base/owning_pointer.hpp>

namespace cadre::detail {

/// Why stop of a task is requested. A stronger reason replaces a weaker one and notifies listeners again.
enum class stop_reason : std::uint8_t {
    none = 0,
    requested = 1,  ///< by a token, a combinator or a handle; no work is ever killed for it
    deadline = 2,   ///< a time limit passed; executors that can end work by force may do so after their grace period
    kill = 3,       ///< `job::kill`: as `deadline`, but work that is ended by force reports `task_killed`
};

/// One listener of a stop state. `fire` runs with the tree's lock held: it may post work and set flags, but must not
/// resume a coroutine, register, deregister or request stop.
struct stop_node {
    void (*fire)(stop_node*, stop_reason) noexcept = nullptr;
    list_links<stop_node> links{};
};

/// The stop state of a subtree of tasks. A child without listeners is never linked to its parent: a query walks up the
/// chain, and only the first listener links the chain. So a fork costs a few plain stores and no atomic operations.
///
/// One mutex serves a whole tree (taken from a static table, so it outlives every tree): parent and child are linked,
/// fired and unlinked without lock ordering. Only `stop_node::fire` is called while it is held. No user code runs under
/// it except `submit` of a custom executor, which must not resume coroutines.
///
/// The words:
///
///     word           state            changed by                        to                   order
///     lock_          null             `lock`, of a root, any thread     the tree's mutex     compare-exchange, acq_rel
///                    null             `lock`, of a state below          the same mutex       store, release
///                    null             `follow`, `list_below`            the leader's mutex   store, release
///     reason_        none, requested  `mark_locked`, under the mutex    a stronger reason    store, release
///                                     `follow`, before publication      the leader's reason  store, release
///     materialised_  false            `materialise_locked`, mutex held  true                 plain
///                    true             `dismantle`, mutex held           false                plain
///
/// `lock_` is read with acquire. `reason_` is read with acquire and without the mutex: a task that sees a request also
/// sees what was written before it.
class stop_state {
public:
    /// A root.
    stop_state() noexcept {}
    /// A child of `parent` (null: a root). `parent` must outlive it and every request to it.
    explicit stop_state(stop_state* parent) noexcept : parent_(parent) {}
    stop_state(const stop_state&) = delete;
    stop_state& operator=(const stop_state&) = delete;
    ~stop_state() {
        if (materialised_) [[unlikely]]
            dismantle();
    }

    /// Puts an unused state below `parent` (null: a root of its own).
    void adopt(stop_state* parent) noexcept { parent_ = parent; }

    /// Passes requests to `leader` (may be null) on to this state, which is not below it: either may end first. For
    /// work that can outlive the task that started it. Only on an unused state; `unfollow` ends it.
    void follow(stop_state* leader) noexcept;
    void unfollow() noexcept;
    /// Lists what is below this state with what is below `above` (may be null), whose requests do not reach it: for
    /// `visit_listeners`. Only on an unused state.
    void list_below(stop_state* above) noexcept;

    /// Whether stop was requested here or anywhere above.
    [[nodiscard]] bool stop_requested() const noexcept {
        for (const stop_state* s = this; s != nullptr; s = s->parent_)
            if (s->reason_.load(std::memory_order_acquire) != stop_reason::none) return true;
        return false;
    }
    [[nodiscard]] stop_reason reason() const noexcept {
        stop_reason strongest = stop_reason::none;
        for (const stop_state* s = this; s != nullptr; s = s->parent_) {
            const stop_reason r = s->reason_.load(std::memory_order_acquire);
            if (r > strongest) strongest = r;
        }
        return strongest;
    }

    /// Requests stop of this subtree. Idempotent. Any thread. Callbacks of tokens run without any lock, and may end the
    /// work and destroy this state.
    void request_stop(stop_reason why = stop_reason::requested) noexcept;

    /// `request_stop` in two halves, for many states that only a lock of the caller keeps alive. `mark` makes the
    /// request visible and adds the sources of the tokens, for `call_callbacks`, which the caller calls without its
    /// lock; then `announce` wakes the waiting tasks of a state that was marked. Both run no code of a user.
    static void call_callbacks(std::vector<std::stop_source>& sources) noexcept;
    void mark(stop_reason why, std::vector<std::stop_source>& sources) noexcept;
    void announce() noexcept;

    /// Registers `node`; if stop was requested already, also fires it at once.
    void add(stop_node& node) noexcept;
    /// Registers `node` unless stop was requested already. @return whether it was registered
    [[nodiscard]] bool try_add(stop_node& node) noexcept;
    /// Deregisters `node`; afterwards `fire` is not running and will not run.
    void remove(stop_node& node) noexcept;

    /// Calls `visit` for each listener of this state and of the states that are below it, follow it, or are listed
    /// below it, with the lock of the tree held: a listener and what it belongs to live until `visit` returns.
    void visit_listeners(void (*visit)(const stop_node& listener, void* context), void* context);

    /// A `std::stop_token` that follows this state and stays valid after it.
    [[nodiscard]] std::stop_token token();

private:
    using listener_list = intrusive_list<stop_node, &stop_node::links>;
    struct link_node : stop_node {
        stop_state* self = nullptr;
    };
    /// A request that calls callbacks without the lock, on its caller's stack: finds out whether they have destroyed
    /// the state.
    struct request {
        bool state_destroyed = false;
        request* next = nullptr;
    };
    /// Constructed for the first listener: most states of a fork-join program never have one.
    struct listeners {
        listener_list nodes;
        link_node link;
        stop_state* above = nullptr;  // whose list `link` is in: the parent's or the leader's
        owning_pointer<std::stop_source> source;
        request* requests = nullptr;  // requests that run callbacks at present
    };
    [[nodiscard]] std::mutex& lock() noexcept;
    static void fire_link(stop_node* node, stop_reason why) noexcept;
    static void ignore_request(stop_node* node, stop_reason why) noexcept;
    template <class Enter, class Visit>
    void walk_locked(Enter enter, Visit visit) noexcept;
    void materialise_locked() noexcept;
    void link_to_locked(stop_state& above, void (*fire)(stop_node*, stop_reason) noexcept = &fire_link) noexcept;
    void link_locked() noexcept;
    void mark_locked(stop_reason why, std::vector<std::stop_source>* sources) noexcept;
    void announce_locked(stop_reason why) noexcept;
    void visit_locked(void (*visit)(const stop_node&, void*), void* context);
    CADRE_RARE_CALL void dismantle() noexcept;

    std::atomic<std::mutex*> lock_{nullptr};
    std::atomic<stop_reason> reason_{stop_reason::none};
    bool materialised_ = false;  // whether `listening_` lives; written under the lock
    stop_state* parent_ = nullptr;
    union {
        listeners listening_;
    };
};

}  // namespace cadre::detail
