// A deadline that `timeout` has set is inherited by the calls that a task in a worker makes: work that ignores it is
// ended by force, however deep it is.

#include "guard.hpp"
#include "support.hpp"

#include <cadre/as_outcome.hpp>
#include <cadre/bind_portable.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/map_stream.hpp>
#include <cadre/timeout.hpp>

#include <ranges>

#include <gtest/gtest.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

int ignore_every_request(cadre::channel<int> started, int x) {
    (void)started.try_send(x);
    for (;;)
        compute_for(1s);
}

task<int> call_deeper(executor ex, cadre::channel<int> started, int depth) {
    if (depth == 0) co_return co_await cadre::on(ex, ignore_every_request, started, 1);
    co_return co_await cadre::on(ex, call_deeper, ex, started, depth - 1);
}

task<void> expect_all_to_end(executor ex) {
    while (ex.stats().running != 0)
        co_await cadre::sleep_for(1ms);
    EXPECT_EQ(co_await cadre::on(ex, plus_one, 1), 2);
}

task<void> a_call_below_a_call(executor ex) {
    const cadre::channel<int> started(ex, 1);
    const auto late = co_await cadre::as_outcome(cadre::timeout(300ms, cadre::on(ex, call_deeper, ex, started, 2)));
    EXPECT_THROW((void)late.value(), cadre::timed_out);
    EXPECT_EQ(started.try_receive(), 1);
    co_await expect_all_to_end(ex);
}

TEST(process_inherited_deadline, ends_a_call_of_a_call_by_force) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2, .kill_grace = 50ms}};
    cadre::sync_wait(a_call_below_a_call(ex));
    EXPECT_GE(ex.stats().restarts, 1u);
}

// The limit passes while a call is on its way to the parent, while it is placed, while its caller is killed before it
// could pass the request on: whatever the moment, nothing stays behind.
task<void> a_limit_at_any_moment(executor ex, std::chrono::microseconds limit) {
    const cadre::channel<int> started(ex, 1);
    const auto late = co_await cadre::as_outcome(cadre::timeout(limit, cadre::on(ex, call_deeper, ex, started, 2)));
    EXPECT_THROW((void)late.value(), cadre::timed_out);
    co_await expect_all_to_end(ex);
}

TEST(process_inherited_deadline, ends_all_calls_whenever_it_passes) {
    const hang_guard guard;
    for (int i = 0; i < 60; ++i) {
        const executor ex = process_executor{{.workers = 2, .kill_grace = 1ms}};
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
        cadre::sync_wait(a_limit_at_any_moment(ex, std::chrono::microseconds(40 + i * i)));
    }
}

task<int> stream_of_endless_items(executor ex, cadre::channel<int> started) {
    auto s = cadre::map_stream(ex, cadre::bind_portable(ignore_every_request, started), std::views::iota(0, 1));
    co_return (co_await s.next()).value_or(0);
}

task<void> the_items_of_a_stream(executor ex) {
    const cadre::channel<int> started(ex, 1);
    const auto late = co_await cadre::as_outcome(cadre::timeout(300ms, stream_of_endless_items(ex, started)));
    EXPECT_THROW((void)late.value(), cadre::timed_out);
    co_await expect_all_to_end(ex);
}

TEST(process_inherited_deadline, ends_the_items_of_a_map_stream_by_force) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2, .kill_grace = 50ms}};
    cadre::sync_wait(the_items_of_a_stream(ex));
}

}  // namespace
