// The memory model of C++: a load may return any store that is not older than a store its thread has seen.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace models {

/// Keeps for each word the stores that a thread may still read, and for each thread and word the oldest store that it
/// may read (its view). A release store carries the view of its thread to an acquiring load; a relaxed store carries
/// nothing, not even the view of an earlier release store to the same word. Fences exchange views with one global view,
/// which makes them sequentially consistent. This covers store buffers and reordered stores, but no load that returns a
/// later store. Read-modify-writes read the newest store. Stores to different words are unordered; stores to one word
/// are ordered by execution, so a word needs a single storing thread, or read-modify-writes only.
template <unsigned Threads, unsigned Words, unsigned Locks, unsigned Stores>
struct weak_memory {
    using view = std::array<std::uint8_t, Words>;
    struct store_done {
        std::uint8_t value;
        view carried;
    };

    view count;  // the number of kept stores of each word
    std::array<store_done, Stores> kept;  // by word, then by age
    std::array<view, Threads> seen;
    std::array<view, Locks + 1>
        handed;  // the view that one holder of a lock leaves to the next; the last one is that of fences
    std::array<std::uint8_t, Threads> gone;

    void start(const view& values) {
        for (unsigned w = 0; w != Words; ++w) {
            count[w] = 1;
            kept[w].value = values[w];
        }
    }

    /// The stores of `w` that `me` may read are [oldest(me, w), count[w]).
    [[nodiscard]] unsigned oldest(unsigned me, unsigned w) const { return seen[me][w]; }
    [[nodiscard]] unsigned newest(unsigned w) const { return count[w] - 1u; }
    [[nodiscard]] std::uint8_t value(unsigned w, unsigned nth) const { return kept[begin(w) + nth].value; }
    [[nodiscard]] std::uint8_t newest_value(unsigned w) const { return value(w, newest(w)); }

    void read(unsigned me, unsigned w, unsigned nth, bool acquire) {
        seen[me][w] = static_cast<std::uint8_t>(nth);
        if (acquire) join(seen[me], kept[begin(w) + nth].carried);
    }
    void store(unsigned me, unsigned w, std::uint8_t what, bool release) {
        unsigned total = 0;
        for (const std::uint8_t c : count)
            total += c;
        if (total == Stores) throw std::string("the model keeps too few stores");
        const unsigned at = begin(w) + count[w];
        for (unsigned i = total; i != at; --i)
            kept[i] = kept[i - 1];
        seen[me][w] = count[w]++;
        kept[at] = {what, release ? seen[me] : view{}};
    }
    /// Read-modify-write, acquire and release.
    void exchange(unsigned me, unsigned w, std::uint8_t what) {
        read(me, w, newest(w), true);
        store(me, w, what, true);
    }
    void lock(unsigned me, unsigned which) { join(seen[me], handed[which]); }
    void unlock(unsigned me, unsigned which) { join(handed[which], seen[me]); }
    void fence(unsigned me) {
        join(seen[me], handed[Locks]);
        handed[Locks] = seen[me];
    }
    /// `me` performs no more loads.
    void leave(unsigned me) { gone[me] = 1; }

    /// Drops stores that no thread can read any more, so that states with different pasts compare equal.
    void tidy() {
        view least;
        for (unsigned w = 0; w != Words; ++w) {
            least[w] = static_cast<std::uint8_t>(newest(w));
            for (unsigned t = 0; t != Threads; ++t)
                if (gone[t] == 0 && seen[t][w] < least[w]) least[w] = seen[t][w];
        }
        unsigned from = 0, to = 0;
        for (unsigned w = 0; w != Words; ++w) {
            for (unsigned n = 0; n != count[w]; ++n, ++from)
                if (n >= least[w]) {
                    kept[to] = kept[from];
                    reduce(kept[to++].carried, least);
                }
            count[w] = static_cast<std::uint8_t>(count[w] - least[w]);
        }
        for (; to != from; ++to)
            kept[to] = {};
        for (unsigned t = 0; t != Threads; ++t)
            if (gone[t] != 0)
                seen[t] = {};
            else
                reduce(seen[t], least);
        for (view& v : handed)
            reduce(v, least);
    }

private:
    [[nodiscard]] unsigned begin(unsigned w) const {
        unsigned at = 0;
        for (unsigned i = 0; i != w; ++i)
            at += count[i];
        return at;
    }
    static void join(view& to, const view& from) {
        for (unsigned w = 0; w != Words; ++w)
            if (to[w] < from[w]) to[w] = from[w];
    }
    static void reduce(view& v, const view& by) {
        for (unsigned w = 0; w != Words; ++w)
            v[w] = static_cast<std::uint8_t>(v[w] > by[w] ? v[w] - by[w] : 0);
    }
};

/// Calls `then(next, value)` for each value that a load of word `w` in state `s` may return.
template <class State, class Then>
void load(const State& s, unsigned me, unsigned w, bool acquire, Then then) {
    for (unsigned n = s.m.oldest(me, w); n <= s.m.newest(w); ++n) {
        State next = s;
        next.m.read(me, w, n, acquire);
        then(next, s.m.value(w, n));
    }
}

}  // namespace models
