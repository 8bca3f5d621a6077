// `error_origin`: which worker, task and item an error comes from.

#include "support.hpp"

#include <cadre/map.hpp>
#include <cadre/reduce.hpp>
#include <cadre/register_exception.hpp>
#include <cadre/stop.hpp>
#include <cadre/timeout.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <ranges>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace {

using namespace cadre::process_tests;
using cadre::process_executor;
using cadre::task;

int odd_one_out(int x) {
    if (x == 7) throw std::invalid_argument("seven");
    return x;
}
task<int> odd_task(int x) { co_return odd_one_out(x); }
int kill_itself(int x) {
    if (x == 7) ::raise(SIGKILL);
    return x;
}

int obeys_a_stop(int x) {
    while (x == 7)
        if (cadre::stop_requested()) throw cadre::cancelled{};
    return x;
}
int ignores_a_stop(int x) {
    while (x == 7)
        std::this_thread::sleep_for(1ms);
    return x;
}

template <class Work>
std::string origin_of(Work&& work) {
    try {
        (void)cadre::sync_wait(std::forward<Work>(work));
    } catch (const std::exception& e) {
        return cadre::error_origin(e);
    }
    return "no error";
}

::testing::AssertionResult matches(const std::string& origin, const char* pattern) {
    if (std::regex_match(origin, std::regex(pattern))) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "'" << origin << "' does not match " << pattern;
}

constexpr const char* item_of_worker = "worker [01] \\(pid [0-9]+\\), .*odd_.*, item 7";

TEST(process_origin, of_a_call_is_its_worker_and_task) {
    const process_executor ex{{.workers = 2}};
    EXPECT_TRUE(matches(origin_of(cadre::on(ex, odd_one_out, 7)), "worker [01] \\(pid [0-9]+\\), .*odd_one_out.*"));
}

TEST(process_origin, out_of_map_names_the_item) {
    const process_executor ex{{.workers = 2}};
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{4}, std::size_t{0}}) {
        auto values = cadre::map(ex, odd_one_out, std::views::iota(0, 20), {.chunk = chunk});
        EXPECT_TRUE(matches(origin_of(std::move(values)), item_of_worker));
    }
    EXPECT_TRUE(matches(origin_of(cadre::map(ex, odd_task, std::views::iota(0, 20))), item_of_worker));
}

TEST(process_origin, out_of_reduce_names_the_item) {
    const process_executor ex{{.workers = 2}};
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{4}, std::size_t{0}}) {
        auto sum = cadre::reduce(ex, odd_one_out, std::plus<>{}, std::views::iota(0, 20), 0, {.chunk = chunk});
        EXPECT_TRUE(matches(origin_of(std::move(sum)), item_of_worker));
    }
    auto sum = cadre::reduce(ex, odd_task, std::plus<>{}, std::views::iota(0, 20), 0);
    EXPECT_TRUE(matches(origin_of(std::move(sum)), item_of_worker));
}

TEST(process_origin, of_a_death_in_a_call_is_its_worker_and_task) {
    const process_executor ex{{.workers = 1}};
    constexpr const char* worker_and_task = "worker \\(pid [0-9]+\\), .*kill_itself.*[^ ]";
    EXPECT_TRUE(matches(origin_of(cadre::on(ex, kill_itself, 7)), worker_and_task));
    EXPECT_TRUE(matches(origin_of(cadre::spawn(ex, kill_itself, 7)), worker_and_task));
    EXPECT_TRUE(matches(origin_of(cadre::on(ex.with({.name = "seven"}), kill_itself, 7)),
                        "worker \\(pid [0-9]+\\), task 'seven'"));
}

TEST(process_origin, of_an_exceeded_limit_is_its_worker_and_task) {
    const process_executor ex{{.workers = 1, .kill_grace = 10ms}};
    constexpr const char* worker_and_task = "worker 0 \\(pid [0-9]+\\), .*(obeys|ignores).*";
    const cadre::executor limited = ex.with({.timeout = 10ms});
    EXPECT_TRUE(matches(origin_of(cadre::on(limited, obeys_a_stop, 7)), worker_and_task));
    EXPECT_TRUE(matches(origin_of(cadre::on(limited, ignores_a_stop, 7)), worker_and_task));
    EXPECT_TRUE(matches(origin_of(cadre::on(limited.with({.name = "seven"}), obeys_a_stop, 7)),
                        "worker 0 \\(pid [0-9]+\\), task 'seven'"));
    for (const auto& late : {obeys_a_stop, ignores_a_stop})
        EXPECT_TRUE(matches(origin_of(cadre::map(ex, late, std::views::iota(6, 8), {.timeout = 10ms, .name = "late"})),
                            "worker 0 \\(pid [0-9]+\\), task 'late', item 1"));
    const process_executor strict{{.workers = 1, .task_timeout = 10ms, .kill_grace = 1min}};
    EXPECT_TRUE(matches(origin_of(cadre::on(strict, obeys_a_stop, 7)), worker_and_task));
}

// A call that has not begun at its limit has no worker: then the limit is doubled.
template <class Call>
std::string origin_of_limited(Call call) {
    std::string origin;
    for (auto limit = 20ms; origin.empty(); limit *= 2)
        origin = origin_of(cadre::timeout(limit, call()));
    return origin;
}

TEST(process_origin, of_a_limit_around_a_call_is_that_of_the_call) {
    const process_executor ex{{.workers = 1, .kill_grace = 1min}};
    constexpr const char* worker_and_task = "worker 0 \\(pid [0-9]+\\), .*obeys.*";
    EXPECT_TRUE(matches(origin_of_limited([&] { return cadre::on(ex, obeys_a_stop, 7); }), worker_and_task));
    EXPECT_TRUE(matches(origin_of_limited([&] { return cadre::spawn(ex, obeys_a_stop, 7); }), worker_and_task));
}

// The worker cannot tell any more which item it was at.
TEST(process_origin, of_a_death_in_reduce_is_the_chunk) {
    const process_executor ex{{.workers = 1}};
    EXPECT_TRUE(
        matches(origin_of(cadre::reduce(ex, kill_itself, std::plus<>{}, std::views::iota(0, 20), 0, {.chunk = 4})),
                "worker .*, items 4 to 7"));
}

}  // namespace
