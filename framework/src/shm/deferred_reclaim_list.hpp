/// @file
/// Resources that others release without a notification: their owner polls for released ones.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

namespace cadre::detail::shm {

/// Polls pending items oldest first, a few at each call, so that `take` has an amortised constant cost.
template <class Item>
class deferred_reclaim_list {
public:
    void add_free(Item t) { ready_.push_back(t); }
    /// An item that is in use until `is_free` returns true.
    void add_pending(Item t) { pending_.push_back(t); }

    /// Takes the free item that was found last; it becomes pending. `is_free(item)`: whether a pending item was
    /// released.
    template <class IsFree>
    [[nodiscard]] bool take(Item& out, IsFree is_free) {
        poll(few, is_free);
        if (ready_.empty() && pending_.size() >= next_search_) {
            poll(pending_.size(), is_free);
            next_search_ = 2 * pending_.size();  // amortised over the items taken since
        }
        if (ready_.empty()) return false;
        out = ready_.back();
        pending_.push_back(out);
        ready_.pop_back();
        return true;
    }

    /// Calls `f(item)` for every free item and removes it. An item for which `f` throws stays, and is passed to `f`
    /// again.
    template <class IsFree, class F>
    void reclaim(IsFree is_free, F f) {
        poll(pending_.size(), is_free);
        for (; !ready_.empty(); ready_.pop_back())
            f(ready_.back());
    }

private:
    static constexpr std::size_t few = 16;

    template <class IsFree>
    void poll(std::size_t count, IsFree is_free) {
        for (; count != 0 && !pending_.empty(); --count) {
            const Item t = pending_.front();
            (is_free(t) ? static_cast<void>(ready_.push_back(t)) : static_cast<void>(pending_.push_back(t)));
            pending_.pop_front();
        }
    }

    std::vector<Item> ready_;
    std::deque<Item> pending_;
    std::size_t next_search_ = 4 * few;
};

}  // namespace cadre::detail::shm
