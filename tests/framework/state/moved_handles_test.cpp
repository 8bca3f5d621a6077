// A handle of a shared object stays usable when it was moved from: a move copies.

#include <cadre/async_barrier.hpp>
#include <cadre/async_condition_variable.hpp>
#include <cadre/async_event.hpp>
#include <cadre/async_latch.hpp>
#include <cadre/async_mutex.hpp>
#include <cadre/async_semaphore.hpp>
#include <cadre/async_shared_mutex.hpp>
#include <cadre/channel.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/shared_constant.hpp>
#include <cadre/shared_segment.hpp>
#include <cadre/shared_value.hpp>

#include <string>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

#include "state_test_support.hpp"

namespace {

// Moves from `handle`, by construction and by assignment, and returns it.
template <class Handle>
const Handle& moved_from(Handle& handle) {
    static_assert(std::is_nothrow_move_constructible_v<Handle> && std::is_nothrow_move_assignable_v<Handle>);
    Handle other = std::move(handle);
    other = std::move(handle);  // NOLINT(bugprone-use-after-move): what the test is about
    return handle;
}

TEST(moved_handle, of_a_channel_sends_and_receives) {
    cadre::channel<std::string> lines{state_test::local(), 2};
    EXPECT_TRUE(moved_from(lines).try_send("one"));
    EXPECT_EQ(lines.try_receive(), "one");
}

TEST(moved_handle, of_a_lock_locks) {
    cadre::async_mutex mutex{state_test::local()};
    EXPECT_TRUE(moved_from(mutex).try_lock());
    cadre::async_shared_mutex shared{state_test::local()};
    EXPECT_TRUE(moved_from(shared).try_lock_shared());
    cadre::async_semaphore permits{state_test::local(), 1};
    EXPECT_TRUE(moved_from(permits).try_acquire());
}

TEST(moved_handle, of_what_tasks_wait_for_is_changed_and_read) {
    cadre::async_event event{state_test::local()};
    moved_from(event).set();
    EXPECT_TRUE(event.is_set());
    cadre::async_latch latch{state_test::local(), 1};
    moved_from(latch).count_down();
    EXPECT_EQ(latch.count(), 0);
    cadre::async_barrier barrier{state_test::local(), 2};
    (void)moved_from(barrier).arrive();
    EXPECT_EQ(barrier.arrived(), 1);
    cadre::async_condition_variable condition{state_test::local()};
    moved_from(condition).notify_one();
}

TEST(moved_handle, of_a_value_reads_and_writes) {
    cadre::shared_value<int> value{state_test::local(), 1};
    moved_from(value).store(2);
    EXPECT_EQ(value.load(), 2);
    cadre::shared_array<int> array{state_test::local(), {1, 2, 3}};
    EXPECT_EQ(moved_from(array).size(), 3u);
    EXPECT_EQ(array[2], 3);
    cadre::shared_constant<std::string> constant{state_test::local(), "text"};
    EXPECT_EQ(*moved_from(constant), "text");
    cadre::shared_segment segment{state_test::local(), 1 << 16};
    EXPECT_EQ(moved_from(segment), segment);
}

}  // namespace
