/// @file
/// Things that were given away and come back by themselves: their owner looks whether they have.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

namespace cadre::detail::shm {

/// Things are looked at oldest first, a few at a time, so that taking one costs the same however many are away.
template <class Thing>
class deferred_reclaim_list {
public:
    /// A thing that nobody has.
    void add_free(Thing t) { ready_.push_back(t); }
    void add_pending(Thing t) { pending_.push_back(t); }

    /// Takes one that is free, the one that came back last. `is_free(thing)` tells whether a lent one has come back.
    template <class IsFree>
    [[nodiscard]] bool take(Thing& out, IsFree is_free) {
        look(few, is_free);
        if (ready_.empty() && pending_.size() >= next_search_) {
            look(pending_.size(), is_free);
            next_search_ = 2 * pending_.size();  // searching all costs no more than what was given away since
        }
        if (ready_.empty()) return false;
        out = ready_.back();
        pending_.push_back(out);
        ready_.pop_back();
        return true;
    }

    /// Moves all that came back to `f(thing)` instead.
    template <class IsFree, class F>
    void reclaim(IsFree is_free, F f) {
        look(pending_.size(), is_free);
        for (const Thing& t : ready_)
            f(t);
        ready_.clear();
    }

private:
    static constexpr std::size_t few = 16;

    template <class IsFree>
    void look(std::size_t count, IsFree is_free) {
        for (; count != 0 && !pending_.empty(); --count) {
            const Thing t = pending_.front();
            (is_free(t) ? static_cast<void>(ready_.push_back(t)) : static_cast<void>(pending_.push_back(t)));
            pending_.pop_front();
        }
    }

    std::vector<Thing> ready_;
    std::deque<Thing> pending_;
    std::size_t next_search_ = 4 * few;
};

}  // namespace cadre::detail::shm
