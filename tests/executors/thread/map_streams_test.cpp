// map_stream with automatic sizes: short items travel in chunks, and an endless input is read a bounded number of items
// ahead.
#include <cadre/map_stream.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <ranges>
#include <span>
#include <unordered_set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/async_event.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/executor.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stream.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::executor;
using cadre::task;

std::uint64_t plus_one(std::uint64_t x) { return x + 1; }

task<std::uint64_t> count_in_order(executor ex, std::uint64_t n) {
    auto s = cadre::map_stream(ex, plus_one, std::views::iota(std::uint64_t{0}, n));
    std::uint64_t next = 0;
    while (const auto x = co_await s.next()) {
        ++next;
        EXPECT_EQ(*x, next);
        if (*x != next) break;
    }
    co_return next;
}

std::uint64_t task_of_item(std::uint64_t /*x*/) { return cadre::detail::current_task_id(); }

task<std::size_t> count_chunks(executor ex, std::uint64_t n) {
    auto s = cadre::map_stream(ex, task_of_item, std::views::iota(std::uint64_t{0}, n));
    std::unordered_set<std::uint64_t> tasks;
    while (const auto id = co_await s.next())
        tasks.insert(*id);
    co_return tasks.size();
}

TEST(thread_map_streams, short_items_travel_in_chunks) {
    constexpr std::uint64_t items = 300'000;
    const executor ex = cadre::thread_executor{{.workers = 2}};
    EXPECT_EQ(cadre::sync_wait(count_in_order(ex, items)), items);
    EXPECT_LT(cadre::sync_wait(count_chunks(ex, items)), items / 20);
}

// Arrays of plain values and consecutive integers are read many items at a time; other ranges one by one.
template <class Range>
task<std::size_t> count_in_their_order(executor ex, Range range, cadre::map_options options) {
    std::vector<std::uint64_t> wanted;
    for (const auto& item : range)
        if (wanted.push_back(static_cast<std::uint64_t>(item) + 1); wanted.size() == 10'000) break;
    auto s = cadre::map_stream(std::move(ex), plus_one, std::move(range), options);
    std::size_t n = 0;
    while (const auto x = co_await s.next()) {
        EXPECT_EQ(*x, wanted[n]);
        if (*x != wanted[n] || ++n == wanted.size()) break;
    }
    co_return n;
}

TEST(thread_map_streams, every_kind_of_range_is_read_in_order_to_its_end) {
    const executor ex = cadre::thread_executor{{.workers = 2}};
    const std::vector<std::uint64_t> lasting{5, 3, 8, 1};
    for (const std::size_t chunk : {std::size_t{0}, std::size_t{1}, std::size_t{7}})
        for (const std::size_t window : {std::size_t{0}, std::size_t{1}, std::size_t{10}}) {
            SCOPED_TRACE(chunk);
            SCOPED_TRACE(window);
            const auto count = [&](auto range) {
                return cadre::sync_wait(count_in_their_order(ex, std::move(range), {.chunk = chunk, .window = window}));
            };
            EXPECT_EQ(count(std::vector<std::uint64_t>(2'000, 7)), 2'000u);
            EXPECT_EQ(count(std::span<const std::uint64_t>(lasting)), 4u);
            EXPECT_EQ(count(std::vector<std::uint64_t>{}), 0u);
            EXPECT_EQ(count(std::array<std::uint64_t, 3>{4, 4, 2}), 3u);
            EXPECT_EQ(count(std::vector<bool>{true, false, true}), 3u);
            EXPECT_EQ(count(std::views::iota(std::uint64_t{3}, std::uint64_t{1'003})), 1'000u);
            EXPECT_EQ(count(std::views::iota(std::uint64_t{9})), 10'000u);
            EXPECT_EQ(count(std::views::iota(-1) | std::views::transform([](int i) { return i + 1; })), 10'000u);
            EXPECT_EQ(count(std::deque<std::uint64_t>(50, 1)), 50u);
        }
}

task<void> take_some_of_an_endless_input(executor ex) {
    std::size_t read = 0;
    const auto counted = std::views::iota(std::uint64_t{0}) | std::views::transform([&](std::uint64_t i) {
                             ++read;
                             return i;
                         });
    auto s = cadre::map_stream(ex, plus_one, counted);
    constexpr std::size_t taken = 200'000;  // by then the chunks have grown
    for (std::size_t i = 0; i < taken; ++i)
        (void)co_await s.next();
    std::size_t before = 0;
    while (read != before) {  // until the sender waits for its consumer
        before = read;
        co_await cadre::sleep_for(20ms);
    }
    EXPECT_LE(read, taken + 100'000);
}

TEST(thread_map_streams, an_endless_input_is_read_a_bounded_number_of_items_ahead) {
    cadre::sync_wait(take_some_of_an_endless_input(cadre::thread_executor{{.workers = 2}}));
}

// Between two items: the function runs at home, where the stream is dropped.
TEST(thread_map_streams, may_be_dropped_by_their_progress_function) {
    const cadre::thread_executor pool{{.workers = 2}};
    const cadre::async_event gate{pool};
    bool armed = false;
    std::optional<cadre::stream<int>> results;
    const auto drop = [&](std::size_t, std::size_t) {
        if (armed) results.reset();
    };
    const auto first_at_once = [gate](int x) -> task<int> {  // items outlive the stream
        if (x != 0) co_await gate.wait();
        co_return x;
    };
    const auto body = [&]() -> task<void> {
        results = cadre::map_stream(pool, first_at_once, std::views::iota(0, 10),
                                    {.chunk = 1, .window = 4, .progress = drop});
        EXPECT_EQ(co_await results->next(), 0);
        armed = true;
        gate.set();
        while (results)
            co_await cadre::yield();
    };
    cadre::sync_wait(body());
}

}  // namespace
