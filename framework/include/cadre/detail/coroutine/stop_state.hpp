/// @file
/// Stop propagation inside a tree of tasks: an intrusive, lazily linked stop state that lives in the awaiter's frame.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

#include <cadre/detail/base/compiler.hpp>

namespace cadre::detail {

/// Why a task is asked to stop. A later, stronger reason replaces an earlier one and is announced again.
enum class stop_reason : std::uint8_t {
    none = 0,
    requested = 1,  ///< somebody asked; nothing is ever killed for it
    deadline = 2,   ///< a time limit passed; executors that can end work by force may do so after their grace period
};

/// One registered interest in a stop state. `fire` runs under the tree's lock: it may post work and set flags, but must
/// not resume a coroutine inline, register, deregister or request stop.
struct stop_node {
    void (*fire)(stop_node*, stop_reason) noexcept = nullptr;
    stop_node* prev = nullptr;
    stop_node* next = nullptr;
};

/// The stop state of a subtree of tasks. A child that nobody listens to is never linked to its parent: asking walks up
/// the chain, and only the first listener links the chain. So a fork costs a few plain stores and no atomics.
///
/// One mutex serves a whole tree (taken from a static table, so it outlives every tree): parent and child can be
/// linked, fired and unlinked without lock ordering.
class stop_state {
public:
    /// A root: nobody above it.
    stop_state() noexcept {}
    /// A child of `parent` (may be null: then a root). `parent` must outlive it, and every request to it.
    explicit stop_state(stop_state* parent) noexcept : parent_(parent) {}
    stop_state(const stop_state&) = delete;
    stop_state& operator=(const stop_state&) = delete;
    ~stop_state() {
        if (materialised_) [[unlikely]]
            dismantle();
    }

    /// Puts an unused state below `parent` (null: a root of its own).
    void adopt(stop_state* parent) noexcept { parent_ = parent; }

    /// Hears of requests to `leader` (may be null) from now on, without being below it: either may end first. For work
    /// that can outlive whoever started it. Only on an unused state; end it with `unfollow`.
    void follow(stop_state* leader) noexcept;
    void unfollow() noexcept;

    /// Whether stop was requested here or anywhere above.
    [[nodiscard]] bool stop_requested() const noexcept { return reason() != stop_reason::none; }
    [[nodiscard]] stop_reason reason() const noexcept {
        stop_reason strongest = stop_reason::none;
        for (const stop_state* s = this; s != nullptr; s = s->parent_) {
            const stop_reason r = s->reason_.load(std::memory_order_acquire);
            if (r > strongest) strongest = r;
        }
        return strongest;
    }

    /// Asks this subtree to stop; idempotent; any thread.
    void request_stop(stop_reason why = stop_reason::requested) noexcept;

    /// Registers `node`; if stop was requested already, fires it at once and still registers it.
    void add(stop_node& node) noexcept;
    /// Registers `node` unless stop was requested already. @return whether it was registered
    [[nodiscard]] bool try_add(stop_node& node) noexcept;
    /// Deregisters; afterwards `fire` does not run and is not running.
    void remove(stop_node& node) noexcept;

    /// A `std::stop_token` that follows this state and stays valid after it.
    [[nodiscard]] std::stop_token token();

private:
    struct link_node : stop_node {
        stop_state* self = nullptr;
    };
    /// What a state needs once somebody listens: made then, because most states of a fork-join program never come to it.
    struct listeners {
        stop_node* nodes = nullptr;
        link_node link;
        bool linked = false;  // below the parent
        stop_state* leader = nullptr;
        std::unique_ptr<std::stop_source> source;
    };
    [[nodiscard]] std::mutex& lock() noexcept;
    static void fire_link(stop_node* node, stop_reason why) noexcept;
    void materialise_locked() noexcept;
    void insert_locked(stop_node& node) noexcept;
    void erase_locked(stop_node& node) noexcept;
    void link_locked() noexcept;
    void mark_locked(stop_reason why, std::vector<std::stop_source>* sources) noexcept;
    void announce_locked(stop_reason why) noexcept;
    CADRE_RARE_CALL void dismantle() noexcept;

    std::atomic<std::mutex*> lock_{nullptr};  // the tree's, once somebody needed it here
    std::atomic<stop_reason> reason_{stop_reason::none};
    bool materialised_ = false;  // whether `listening_` lives; written under the lock
    stop_state* parent_ = nullptr;
    union {
        listeners listening_;
    };
};

}  // namespace cadre::detail
