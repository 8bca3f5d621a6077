// Coroutine frames, and all that lies in them, are aligned to 64 bytes; parameters to more if they ask for it.
#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/call.hpp>
#include <cadre/channel.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/generator.hpp>
#include <cadre/job.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stream.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
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
