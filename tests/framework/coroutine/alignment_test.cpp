// Coroutine frames, and all that lies in them, are aligned to 64 bytes; parameters, results, items and elements to more
// if they ask for it.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ranges>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/call.hpp>
#include <cadre/channel.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/generator.hpp>
#include <cadre/job.hpp>
#include <cadre/map.hpp>
#include <cadre/map_stream.hpp>
#include <cadre/on.hpp>
#include <cadre/reduce.hpp>
#include <cadre/retry.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stream.hpp>
#include <cadre/stream_of.hpp>
#include <cadre/stream_views.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/to.hpp>
#include <cadre/when_all.hpp>

namespace {

using cadre::sync_wait;
using cadre::task;

// Opaque: a compiler that trusts the type would answer for it.
template <class T>
[[gnu::noinline]] bool aligned(const T& object) {
    auto address = reinterpret_cast<std::uintptr_t>(&object);
    asm volatile("" : "+r"(address));
    return address % alignof(T) == 0;
}

template <std::size_t Alignment>
struct alignas(Alignment) block {
    int value = 0;
};

template <class T>
class frame_alignment : public testing::Test {};
using over_aligned = testing::Types<block<32>, block<64>, block<128>, block<4096>>;
TYPED_TEST_SUITE(frame_alignment, over_aligned, );

template <class T>
task<int> of_parameter(T parameter) {
    EXPECT_TRUE(aligned(parameter));
    co_await cadre::yield();
    EXPECT_TRUE(aligned(parameter));
    co_return parameter.value;
}

TYPED_TEST(frame_alignment, of_parameters) {
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(sync_wait(of_parameter(TypeParam{i})), i);
    std::vector<task<int>> all;
    for (int i = 0; i < 100; ++i)
        all.push_back(of_parameter(TypeParam{i}));
    sync_wait(cadre::when_all(std::move(all)));
}

template <class T>
cadre::stream<T> stream_of_blocks(T first) {
    EXPECT_TRUE(aligned(first));
    co_yield first;
}
template <class T>
cadre::generator<T> generate_blocks(T first) {
    EXPECT_TRUE(aligned(first));
    co_yield first;
}

template <class T>
cadre::generator<T> generate_blocks_below(T first, int depth) {
    co_yield first;
    if (depth > 0) co_yield cadre::elements_of(generate_blocks_below(first, depth - 1));
    co_yield first;
}

TYPED_TEST(frame_alignment, of_streams_and_generators) {
    for (const auto& b : generate_blocks(TypeParam{3}))
        EXPECT_TRUE(aligned(b));
    int blocks = 0;
    for (const auto& b : generate_blocks_below(TypeParam{3}, 5))
        blocks += aligned(b) ? 1 : 0;
    EXPECT_EQ(blocks, 12);
    sync_wait([]() -> task<> {
        auto s = stream_of_blocks(TypeParam{4});
        EXPECT_EQ((co_await s.next())->value, 4);
    }());
}

template <class T>
T next_of(T b) {
    EXPECT_TRUE(aligned(b));
    ++b.value;
    return b;
}
template <class T>
task<T> next_later(T b) {
    EXPECT_TRUE(aligned(b));
    co_await cadre::yield();
    co_return T{b.value + 1};
}

TYPED_TEST(frame_alignment, of_arguments_and_results_of_calls) {
    const cadre::thread_executor pool{{.workers = 2}};
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(sync_wait(cadre::on(pool, next_of<TypeParam>, TypeParam{i})).value, i + 1);
        EXPECT_EQ(sync_wait(cadre::on(pool, next_later<TypeParam>, TypeParam{i})).value, i + 1);
        EXPECT_EQ(sync_wait(cadre::on(cadre::executor(pool), next_later<TypeParam>, TypeParam{i})).value, i + 1);
        EXPECT_EQ(sync_wait(cadre::call(next_of<TypeParam>, TypeParam{i})).value, i + 1);
        EXPECT_EQ(sync_wait(cadre::spawn(pool, next_of<TypeParam>, TypeParam{i})).value, i + 1);
    }
    const auto all = sync_wait(cadre::map(pool, next_of<TypeParam>, std::vector<TypeParam>(50)));
    for (const auto& b : all)
        EXPECT_EQ(b.value, 1);
}

TYPED_TEST(frame_alignment, of_messages) {
    const cadre::serial_executor loop;
    cadre::channel<TypeParam> ch{loop, 4};
    EXPECT_TRUE(ch.try_send(TypeParam{5}));
    const auto received = ch.try_receive();
    ASSERT_TRUE(received);
    EXPECT_TRUE(aligned(*received));
    EXPECT_EQ(received->value, 5);
}

std::atomic<int> misaligned_blocks{0};

/// Counts the objects, also those that the library makes in between, that are not aligned.
template <std::size_t Alignment>
struct alignas(Alignment) checked_block {
    int value = 0;

    checked_block() noexcept { check(); }
    explicit(false) checked_block(int v) noexcept : value(v) { check(); }
    checked_block(const checked_block& other) noexcept : value(other.value) { check(); }
    checked_block(checked_block&& other) noexcept : value(other.value) { check(); }
    checked_block& operator=(const checked_block&) noexcept = default;
    ~checked_block() { check(); }
    template <class A>
    void serialize(A& a) {
        a(value);
    }

private:
    void check() const noexcept {
        if (!aligned(*this)) ++misaligned_blocks;
    }
};

template <class T>
class library_frames : public testing::Test {
protected:
    void SetUp() override { misaligned_blocks = 0; }
    void TearDown() override { EXPECT_EQ(misaligned_blocks, 0); }
};
using checked_blocks = testing::Types<checked_block<64>, checked_block<128>, checked_block<1024>>;
TYPED_TEST_SUITE(library_frames, checked_blocks, );

template <class T>
task<int> value_of(const T& item) {
    co_await cadre::yield();
    co_return aligned(item) ? item.value : -1;
}
template <class T>
task<T> make_later(int value) {
    co_await cadre::yield();
    co_return value;
}

TYPED_TEST(library_frames, of_maps_of_coroutines) {
    const cadre::thread_executor pool{{.workers = 2}};
    const std::vector<TypeParam> items(40, TypeParam(3));
    const std::vector<int> expected(40, 3);
    EXPECT_EQ(sync_wait(cadre::map(pool, value_of<TypeParam>, items)), expected);
    EXPECT_EQ(sync_wait(cadre::map(cadre::executor(pool), value_of<TypeParam>, items)), expected);
    EXPECT_EQ(sync_wait(cadre::map(pool, value_of<TypeParam>, std::vector<TypeParam>(items), {.chunk = 8})), expected);
    EXPECT_EQ(sync_wait(cadre::reduce(pool, value_of<TypeParam>, std::plus<>{}, items, 0)), 120);
    EXPECT_EQ(sync_wait(cadre::to<std::vector>(cadre::map_stream(pool, value_of<TypeParam>, items))), expected);
    const auto source = [&] { return cadre::map_stream(pool, value_of<TypeParam>, cadre::stream_of(items)); };
    EXPECT_EQ(sync_wait(cadre::to<std::vector>(source())), expected);
    const auto made = sync_wait(cadre::map(pool, make_later<TypeParam>, std::views::iota(0, 40)));
    for (int i = 0; i < 40; ++i)
        EXPECT_EQ(made[static_cast<std::size_t>(i)].value, i);
}

TYPED_TEST(library_frames, of_results_of_calls) {
    const cadre::thread_executor pool{{.workers = 2}};
    EXPECT_EQ(sync_wait(cadre::call(make_later<TypeParam>, 4)).value, 4);
    EXPECT_EQ(sync_wait(cadre::retry(cadre::retry_policy{}, make_later<TypeParam>, 4)).value, 4);
    EXPECT_EQ(sync_wait(cadre::on(pool, make_later<TypeParam>, 4)).value, 4);
    EXPECT_EQ(sync_wait(cadre::as_outcome(make_later<TypeParam>(4)))->value, 4);
}

TYPED_TEST(library_frames, of_stream_views) {
    namespace views = cadre::views;
    const std::vector<TypeParam> items(9, TypeParam(3));
    const auto values = [](const TypeParam& block) { return aligned(block) ? block.value : -1; };
    const auto collected = [&](auto view) {
        return sync_wait(cadre::to<std::vector>(cadre::stream_of(items) | std::move(view) | views::transform(values)));
    };
    EXPECT_EQ(collected(views::take(3)), std::vector<int>(3, 3));
    EXPECT_EQ(collected(views::drop(3)), std::vector<int>(6, 3));
    EXPECT_EQ(collected(views::buffer(2)), std::vector<int>(9, 3));
    EXPECT_EQ(collected(views::filter([](const TypeParam& block) { return aligned(block); })), std::vector<int>(9, 3));
    const auto chunks = sync_wait(cadre::to<std::vector>(cadre::stream_of(items) | views::chunk(4)));
    EXPECT_EQ(chunks.size(), 3U);
    EXPECT_EQ(sync_wait(cadre::to<std::vector>(cadre::stream_of(items))).size(), 9U);
}

TYPED_TEST(library_frames, of_many_messages) {
    const cadre::serial_executor loop;
    const cadre::channel<TypeParam> ch{loop, 8};
    sync_wait(ch.send_all(std::vector<TypeParam>(8, TypeParam(2))));
    EXPECT_EQ(sync_wait(ch.receive_many(8)).size(), 8U);
}

task<std::array<bool, 2>> of_locals() {
    block<32> vector;
    block<64> wide;
    co_await cadre::yield();
    co_return std::array{aligned(vector), aligned(wide)};
}

TEST(frame_alignment_of_locals, is_64) {
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(sync_wait(of_locals()), (std::array{true, true}));
    std::vector<task<std::array<bool, 2>>> all;
    for (int i = 0; i < 200; ++i)
        all.push_back(of_locals());
    for (const auto& found : sync_wait(cadre::when_all(std::move(all))))
        EXPECT_EQ(found, (std::array{true, true}));
}

}  // namespace
