// File descriptors in maps, and in calls that tasks in workers make.

#include "descriptors.hpp"
#include "guard.hpp"
#include "support.hpp"

#include <cadre/errors.hpp>
#include <cadre/map.hpp>
#include <cadre/reduce.hpp>
#include <cadre/sleep.hpp>
#include <cadre/this_task.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;
using cadre::unique_fd;

// More items than one message carries, in chunks whose size the map chooses.
TEST(process_descriptors, travel_with_the_items_and_results_of_a_map) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2}};
    for (const std::size_t chunk : {std::size_t{0}, std::size_t{1000}}) {
        std::vector<unique_fd> all = open_many(300);
        const auto same = [](unique_fd fd) { return fd; };
        const auto back = cadre::sync_wait(cadre::map(ex, same, std::move(all), {.chunk = chunk}));
        ASSERT_EQ(back.size(), 300u);
        for (const unique_fd& fd : back)
            EXPECT_TRUE(fd && close_on_exec(fd));
    }
}

int die_once(std::pair<unique_fd, int> item) {
    if (item.second != 7) return write_byte(std::move(item.first), 'd');
    ::raise(SIGKILL);
    return 0;
}

// The items behind one that kills its worker have not begun: they are sent again, with their descriptors.
TEST(process_descriptors, of_items_that_have_not_begun_are_sent_again) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    std::vector<std::pair<unique_fd, int>> items;
    std::vector<unique_fd> ends;
    for (int i = 0; i < 20; ++i) {
        auto [read, write] = make_pipe();
        ends.push_back(std::move(read));
        items.emplace_back(std::move(write), i);
    }
    const auto outcomes = cadre::sync_wait(cadre::map_outcomes(ex, die_once, std::move(items), {.chunk = 20}));
    for (std::size_t i = 0; i < 20; ++i) {
        EXPECT_EQ(outcomes[i].has_value(), i != 7) << i;
        EXPECT_EQ(read_byte(ends[i]), i != 7 ? 'd' : -1) << i;
    }
}

enum class use : int { none, read_to_the_end, close };

// 0: as it should be
task<int> use_descriptor(std::pair<unique_fd, use> item) {
    if (item.second != use::read_to_the_end) co_return 0;
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (pollfd p{item.first.get(), POLLIN, 0}; ::poll(&p, 1, 0) != 1;) {
        if (std::chrono::steady_clock::now() > limit) co_return 1;
        co_await cadre::sleep_for(std::chrono::milliseconds(1));
    }
    char byte = 0;
    co_return ::read(item.first.get(), &byte, 1) == 0 ? 0 : 2;
}

// A task waits until the other end of its pipe is closed, which belongs to the item behind it. Both have arrived in one
// chunk, because the tasks before them did not wait.
TEST(process_descriptors, of_items_that_a_worker_has_returned_are_closed_there) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    std::vector<std::pair<unique_fd, use>> items(2000);
    for (int i = 0; i < 20; ++i) {
        auto [read, write] = make_pipe();
        items.emplace_back(std::move(read), use::read_to_the_end);
        items.emplace_back(std::move(write), use::close);
    }
    items.resize(4000);
    const auto results = cadre::sync_wait(cadre::map(ex, use_descriptor, std::move(items)));
    EXPECT_EQ(results, std::vector<int>(4000, 0));
}

task<int> call_with_descriptor(unique_fd fd) {
    const executor ex = co_await cadre::this_task::executor();
    unique_fd back = co_await cadre::on(ex, [](unique_fd same) { return same; }, std::move(fd));
    co_return co_await cadre::on(ex, write_byte, std::move(back), 'n');
}
task<int> map_with_descriptors(std::vector<unique_fd> all) {
    const executor ex = co_await cadre::this_task::executor();
    const auto written = co_await cadre::map(ex, [](unique_fd fd) { return write_byte(std::move(fd), 'n'); },
                                             std::move(all), {.chunk = 4});
    co_return static_cast<int>(written.size());
}
task<int> spawn_with_descriptors(int n) {
    const executor ex = co_await cadre::this_task::executor();
    std::vector<cadre::job<bool>> jobs;
    for (int i = 0; i < n; ++i)
        jobs.push_back(cadre::spawn(ex, close_on_exec, open_null()));
    int ended = 0;
    for (auto& j : jobs)
        ended += co_await j ? 1 : 0;
    co_return ended;
}

TEST(process_descriptors, travel_with_nested_calls) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2}};
    auto [read, write] = make_pipe();
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, call_with_descriptor, copy_of(write))), 1);
    std::vector<unique_fd> copies;
    for (int i = 0; i < 20; ++i)
        copies.push_back(copy_of(write));
    write.reset();
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, map_with_descriptors, std::move(copies))), 20);
    for (int i = 0; i < 21; ++i)
        EXPECT_EQ(read_byte(read), 'n');
    EXPECT_EQ(read_byte(read), -1);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, spawn_with_descriptors, 200)), 200);
    const std::string text =
        what_of<cadre::error>([&] { (void)cadre::sync_wait(cadre::on(ex, spawn_with_descriptors, 1000)); });
    EXPECT_NE(text.find("256 file descriptors"), std::string::npos) << text;
}

int one_if_open(unique_fd fd) { return fd ? 1 : 0; }

TEST(process_descriptors, travel_with_the_items_of_a_reduction) {
    const executor ex = process_executor{{.workers = 2}};
    EXPECT_EQ(cadre::sync_wait(cadre::reduce(ex, one_if_open, std::plus<>{}, open_many(300), 0)), 300);
}

}  // namespace
