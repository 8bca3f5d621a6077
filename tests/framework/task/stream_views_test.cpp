// stream_of, views of streams, to: what they give, in which order they read, and what an abandoned or stopped one
// leaves behind.
#include <cadre/stream_views.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <range/v3/view/cartesian_product.hpp>
#include <range/v3/view/chunk.hpp>
#include <range/v3/view/generate_n.hpp>
#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>
#include <range/v3/view/zip.hpp>

#include <cadre/as_outcome.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/generator.hpp>
#include <cadre/on.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/stream_of.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/this_task.hpp>
#include <cadre/timeout.hpp>
#include <cadre/to.hpp>
#include <cadre/when_all.hpp>
#include <cadre/when_any.hpp>

#include "counted_stream.hpp"

namespace {

using namespace std::chrono_literals;
using cadre::stream;
using cadre::stream_of;
using cadre::sync_wait;
using cadre::task;
using cadre::to;
namespace views = cadre::views;
using stream_tests::counting;
using stream_tests::source_log;

using ints = std::vector<int>;

TEST(stream_of, takes_standard_ranges) {
    const ints numbers{1, 2, 3};
    EXPECT_EQ(sync_wait(to<std::vector>(stream_of(numbers))), numbers);
    EXPECT_EQ(sync_wait(to<std::vector>(stream_of(std::views::iota(1, 4)))), numbers);
    EXPECT_EQ(sync_wait(to<std::vector>(stream_of(numbers | std::views::reverse))), (ints{3, 2, 1}));
    EXPECT_EQ(sync_wait(to<std::vector>(stream_of(std::vector{true, false}))), (std::vector{true, false}));
    std::istringstream in("4 5 6");
    EXPECT_EQ(sync_wait(to<std::vector>(stream_of(std::views::istream<int>(in)))), (ints{4, 5, 6}));
    const auto three = [](int n) -> cadre::generator<int> {
        for (int i = 0; i < n; ++i)
            co_yield i;
    };
    EXPECT_EQ(sync_wait(to<std::vector>(stream_of(three(3)))), (ints{0, 1, 2}));
    EXPECT_EQ(sync_wait(to<std::vector>(stream_of(ints{}))), ints{});
}

TEST(stream_of, takes_range_v3_views) {
    const ints a{1, 2, 3};
    const std::vector<std::string> b{"x", "y", "z"};
    const auto zipped = sync_wait(to<std::vector>(stream_of(ranges::views::zip(a, b))));
    ASSERT_EQ(zipped.size(), 3u);
    EXPECT_EQ(std::get<0>(zipped[2]), 3);
    EXPECT_EQ(std::get<1>(zipped[2]), "z");
    const auto product = sync_wait(to<std::vector>(stream_of(ranges::views::cartesian_product(a, b))));
    ASSERT_EQ(product.size(), 9u);
    EXPECT_EQ(std::get<1>(product[1]), "y");
    int next = 0;
    EXPECT_EQ(sync_wait(to<std::vector>(stream_of(ranges::views::generate_n([&] { return ++next; }, 3)))), a);
    const auto sums = ranges::views::iota(0, 6) | ranges::views::chunk(2) |
                      ranges::views::transform([](auto&& pair) { return *pair.begin(); });
    EXPECT_EQ(sync_wait(to<std::vector>(stream_of(sums))), (ints{0, 2, 4}));
}

TEST(stream_of, moves_the_elements_of_what_it_owns) {
    std::vector<std::unique_ptr<int>> owned;
    for (int i = 0; i < 3; ++i)
        owned.push_back(std::make_unique<int>(i));
    const auto moved = sync_wait(to<std::vector>(stream_of(std::move(owned))));
    ASSERT_EQ(moved.size(), 3u);
    EXPECT_EQ(*moved[2], 2);
    const auto once = [](int n) -> cadre::generator<std::unique_ptr<int>> {
        for (int i = 0; i < n; ++i)
            co_yield std::make_unique<int>(i);
    };
    EXPECT_EQ(sync_wait(to<std::vector>(stream_of(once(2)))).size(), 2u);
    const std::vector<std::string> kept{"not", "moved"};
    EXPECT_EQ(sync_wait(to<std::vector>(stream_of(kept))), kept);
    EXPECT_EQ(kept.front(), "not");
}

TEST(stream_of, what_the_range_throws_leaves_next) {
    const auto failing = std::views::iota(0) | std::views::transform([](int i) {
                             if (i == 2) throw std::domain_error("range");
                             return i;
                         });
    const auto body = [&]() -> task<> {
        auto s = stream_of(failing);
        EXPECT_EQ(co_await s.next(), 0);
        EXPECT_EQ(co_await s.next(), 1);
        const auto failed = co_await cadre::as_outcome(s.next());
        EXPECT_THROW((void)failed.value(), std::domain_error);
        EXPECT_FALSE((co_await s.next()).has_value());
    };
    sync_wait(body());
}

TEST(stream_of, a_stop_ends_an_endless_one) {
    const auto endless = []() -> task<> {
        (void)co_await to<std::vector>(stream_of(std::views::iota(0)) | views::drop(1u << 31));
    };
    EXPECT_THROW(sync_wait(cadre::timeout(5ms, endless())), cadre::timed_out);
}

TEST(stream_views, transform_filter_take_drop) {
    const auto even = [](int i) { return i % 2 == 0; };
    const auto square = [](int i) { return i * i; };
    EXPECT_EQ(sync_wait(to<std::vector>(stream_of(std::views::iota(0)) | views::filter(even) |
                                        views::transform(square) | views::drop(1) | views::take(3))),
              (ints{4, 16, 36}));
    EXPECT_EQ(sync_wait(to<std::vector>(ints{1, 2} | views::take(5))), (ints{1, 2}));
    EXPECT_EQ(sync_wait(to<std::vector>(ints{1, 2} | views::drop(5))), ints{});
}

TEST(stream_views, functions_may_be_coroutines_and_members) {
    const auto slow = [](int i) -> task<std::string> {
        co_await cadre::yield();
        co_return std::to_string(i);
    };
    const auto odd = [](int i) -> task<bool> {
        co_await cadre::yield();
        co_return i % 2 != 0;
    };
    EXPECT_EQ(sync_wait(to<std::vector>(std::views::iota(0, 6) | views::filter(odd) | views::transform(slow))),
              (std::vector<std::string>{"1", "3", "5"}));
    EXPECT_EQ(sync_wait(to<std::vector>(std::vector<std::pair<int, int>>{{1, 2}, {3, 4}} |
                                        views::transform(&std::pair<int, int>::second))),
              (ints{2, 4}));
}

TEST(stream_views, chunk_and_enumerate) {
    EXPECT_EQ(sync_wait(to<std::vector>(std::views::iota(0, 5) | views::chunk(2))),
              (std::vector<ints>{{0, 1}, {2, 3}, {4}}));
    EXPECT_EQ(sync_wait(to<std::vector>(ints{} | views::chunk(2))), std::vector<ints>{});
    EXPECT_THROW((void)views::chunk(0), std::invalid_argument);
    EXPECT_EQ(sync_wait(to<std::map>(std::vector<std::string>{"a", "b"} | views::enumerate)),
              (std::map<std::size_t, std::string>{{0, "a"}, {1, "b"}}));
}

TEST(stream_views, a_chunk_that_an_error_cut_short_is_not_lost) {
    const auto failing = [](int i) {
        if (i == 3) throw std::domain_error("three");
        return i;
    };
    const auto body = [&]() -> task<> {
        auto s = std::views::iota(0) | views::transform(failing) | views::chunk(2);
        EXPECT_EQ(co_await s.next(),
                  (std::optional{ints(std::views::iota(0, 2).begin(), std::views::iota(0, 2).end())}));
        EXPECT_EQ((co_await s.next())->size(), 1u);
        const auto failed = co_await cadre::as_outcome(s.next());
        EXPECT_THROW((void)failed.value(), std::domain_error);
        EXPECT_FALSE((co_await s.next()).has_value());
    };
    sync_wait(body());
}

TEST(stream_views, elements_may_be_move_only) {
    const auto box = [](int i) { return std::make_unique<int>(i); };
    const auto filled = [](const std::unique_ptr<int>& p) { return *p % 2 == 0; };
    const auto open = [](std::unique_ptr<int> p) { return *p; };
    const auto s = [&] {
        return std::views::iota(0, 10) | views::transform(box) | views::filter(filled) | views::drop(1) |
               views::buffer(2) | views::take(3) | views::enumerate | views::chunk(2);
    };
    const auto body = [&]() -> task<int> {
        int sum = 0;
        auto boxes = s();
        while (auto chunk = co_await boxes.next())
            for (auto& [i, p] : *chunk)
                sum += open(std::move(p));
        co_return sum;
    };
    EXPECT_EQ(sync_wait(body()), 2 + 4 + 6);
}

TEST(stream_views, compose_before_they_have_a_source) {
    const auto both = views::filter([](int i) { return i > 2; }) | views::take(2);
    EXPECT_EQ(sync_wait(to<std::vector>(ints{1, 2, 3, 4, 5} | both)), (ints{3, 4}));
    EXPECT_EQ(sync_wait(to<std::vector>(ints{9, 9, 9} | (both | views::take(1)))), (ints{9}));
}

TEST(stream_views, compose_with_range_v3_in_both_directions) {
    // their view under ours; ours under theirs, chunk by chunk
    const auto first = [](const ints& chunk) {
        ints doubled;
        for (const int i : chunk | ranges::views::transform([](int i) { return 2 * i; }))
            doubled.push_back(i);
        return doubled;
    };
    EXPECT_EQ(
        sync_wait(to<std::vector>(ranges::views::iota(0, 4) | ranges::views::transform([](int i) { return i + 1; }) |
                                  views::chunk(2) | views::transform(first))),
        (std::vector<ints>{{2, 4}, {6, 8}}));
}

TEST(stream_views, read_no_more_than_they_give) {
    source_log log;
    const auto body = [&]() -> task<> {
        auto s = counting(log) | views::transform(std::negate<>()) | views::take(2);
        EXPECT_EQ(log.read, 0);
        (void)co_await s.next();
        EXPECT_EQ(log.read, 1);
        (void)co_await s.next();
        EXPECT_FALSE((co_await s.next()).has_value());
        EXPECT_EQ(log.read, 2);
    };
    sync_wait(body());
    EXPECT_EQ(log.ended, 1);
}

TEST(stream_views, a_stream_that_is_an_lvalue_is_shared) {
    source_log log;
    const auto body = [&]() -> task<> {
        auto s = counting(log);
        EXPECT_EQ(co_await to<std::vector>(s | views::take(2)),
                  (ints(std::views::iota(0, 2).begin(), std::views::iota(0, 2).end())));
        EXPECT_EQ(co_await s.next(), 2);
        auto rest = s | views::transform(std::negate<>());
        {
            const auto gone = std::move(s);
        }
        EXPECT_EQ(log.ended, 0);
        EXPECT_EQ(co_await rest.next(), -3);
    };
    sync_wait(body());
    EXPECT_EQ(log.ended, 1);
}

TEST(stream_views, to_makes_every_container) {
    EXPECT_EQ(sync_wait(to<std::set>(ints{3, 1, 3})), (std::set{1, 3}));
    EXPECT_EQ(sync_wait(to<std::deque>(ints{3, 1})), (std::deque{3, 1}));
    EXPECT_EQ(sync_wait(to<std::vector<long>>(ints{3, 1})), (std::vector{3L, 1L}));
    EXPECT_EQ(sync_wait(to<std::string>(std::vector{'a', 'b'})), "ab");
}

TEST(stream_views, dropping_them_at_any_element_ends_the_source) {
    for (int given = 0; given < 12; ++given) {
        source_log log;
        const auto body = [&]() -> task<> {
            auto s = counting(log) | views::transform(std::negate<>()) | views::filter([](int) { return true; }) |
                     views::enumerate | views::chunk(2) | views::drop(1) | views::take(100);
            for (int i = 0; i < given; ++i)
                (void)co_await s.next();
        };
        sync_wait(body());
        EXPECT_EQ(log.ended, given == 0 ? 0 : 1);  // a stream that was never asked has not begun
    }
}

TEST(stream_views, a_limit_around_next_loses_no_element) {
    const auto body = []() -> task<> {
        const cadre::channel<int> gate(co_await cadre::this_task::executor(), 1);
        const auto gated = [](cadre::channel<int> from) -> stream<int> {
            while (auto i = co_await from.receive())
                co_yield *i;
        };
        auto s = gated(gate) | views::transform(std::negate<>()) | views::filter([](int) { return true; });
        for (int i = 0; i < 3; ++i) {
            const auto late = co_await cadre::as_outcome(cadre::timeout(1ms, s.next()));
            EXPECT_THROW((void)late.value(), cadre::timed_out);
            co_await gate.send(i);
            EXPECT_EQ(co_await s.next(), -i);
        }
    };
    sync_wait(body());
}

TEST(stream_views, a_stop_reaches_the_source_through_all_views) {
    source_log log;
    const auto body = [&]() -> task<> {
        const auto waiting = [](source_log& l) -> stream<int> {
            co_yield 1;
            const auto slept = co_await cadre::as_outcome(cadre::sleep_for(1h));
            ++l.ended;
            slept.value();
        };
        auto s = waiting(log) | views::buffer(3) | views::transform(std::negate<>()) | views::chunk(5);
        while (auto chunk = co_await s.next())
            log.read += static_cast<int>(chunk->size());
    };
    EXPECT_THROW(sync_wait(cadre::timeout(5ms, body())), cadre::timed_out);
    EXPECT_EQ(log.ended, 1);
    EXPECT_EQ(log.read, 1);  // the chunk that was cut short
}

}  // namespace
