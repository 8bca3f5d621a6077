#include <algorithm>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/detail/call/ordered_merge.hpp>

namespace {

using cadre::detail::ordered_merge;

struct join {
    std::string operator()(std::string left, std::string right) const { return std::move(left) + right; }
};

TEST(ordered_merge, keeps_the_order_whatever_the_order_of_arrival) {
    std::vector<std::size_t> arrivals{0, 1, 2, 3, 4};
    do {
        ordered_merge<std::string> all;
        join op;
        for (const std::size_t i : arrivals)
            all.add(2 * i, 2 * i + 2, std::string(1, static_cast<char>('a' + i)), op);
        EXPECT_EQ(all.take(), "abcde");
    } while (std::ranges::next_permutation(arrivals).found);
}

TEST(ordered_merge, takes_intervals_of_any_length) {
    ordered_merge<std::string> all;
    join op;
    all.add(7, 100, "c", op);
    all.add(0, 1, "a", op);
    all.add(1, 7, "b", op);
    EXPECT_EQ(all.take(), "abc");
}

TEST(ordered_merge, combines_on_several_threads) {
    constexpr std::size_t threads = 3;
    constexpr std::size_t intervals = 300;
    ordered_merge<std::string> all;
    std::vector<std::jthread> running;
    for (std::size_t t = 0; t != threads; ++t)
        running.emplace_back([&all, t] {
            join op;
            for (std::size_t i = t; i < intervals; i += threads)
                all.add(i, i + 1, std::to_string(i) + ' ', op);
        });
    running.clear();
    std::string expected;
    for (std::size_t i = 0; i != intervals; ++i)
        expected += std::to_string(i) + ' ';
    EXPECT_EQ(all.take(), expected);
}

}  // namespace
