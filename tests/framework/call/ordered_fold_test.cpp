#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/detail/call/ordered_fold.hpp>

namespace {

using cadre::detail::ordered_fold;

struct join {
    std::string operator()(std::string left, std::string right) const { return std::move(left) + right; }
};
using text_fold = ordered_fold<std::string, join>;

TEST(ordered_fold, gives_init_for_no_runs) { EXPECT_EQ(text_fold(join{}, "init").take(), "init"); }

TEST(ordered_fold, keeps_the_order_whatever_the_order_of_arrival) {
    std::vector<int> arrivals{0, 1, 2, 3, 4};
    do {
        text_fold all(join{}, "-");
        std::vector<text_fold::position> runs;
        for (int i = 0; i < 5; ++i)
            runs.push_back(all.append());
        for (const int i : arrivals)
            all.set(runs[static_cast<std::size_t>(i)], std::string(1, static_cast<char>('a' + i)));
        EXPECT_EQ(all.take(), "-abcde");
    } while (std::ranges::next_permutation(arrivals).found);
}

TEST(ordered_fold, takes_runs_while_others_are_pending) {
    text_fold all(join{}, "-");
    const auto a = all.append();
    const auto b = all.append();
    all.set(b, "b");
    const auto c = all.append();
    all.set(a, "a");
    all.set(c, "c");
    EXPECT_EQ(all.take(), "-abc");
}

/// Counts its live objects.
struct counted {
    static inline int live = 0;
    int value = 0;
    explicit counted(int v) : value(v) { ++live; }
    counted(counted&& o) noexcept : value(o.value) { ++live; }
    counted& operator=(counted&&) = default;
    ~counted() { --live; }
};

TEST(ordered_fold, holds_no_more_values_than_runs_are_pending) {
    const auto add = [](counted left, counted right) { return counted(left.value + right.value); };
    ordered_fold<counted, decltype(add)> all(add, counted(0));
    std::vector<decltype(all)::position> pending;
    for (int i = 0; i < 1000; ++i) {
        pending.push_back(all.append());
        if (pending.size() < 4) continue;
        const auto any = pending.begin() + i % 4;
        all.set(*any, counted(1));
        pending.erase(any);
        EXPECT_LE(counted::live, 5);
    }
    for (const auto run : pending)
        all.set(run, counted(1));
    EXPECT_EQ(all.take().value, 1000);
}

}  // namespace
