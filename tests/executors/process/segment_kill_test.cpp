// `shared_segment` and dead owners: what a killed process had changed under the lock is undone.

#include "support.hpp"

#include <cadre/channel.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/shared_segment.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <random>
#include <string>
#include <thread>

#include <unistd.h>

namespace {

using namespace cadre::process_tests;
using namespace std::chrono_literals;
using cadre::process_executor;
using cadre::shared_segment;
using cadre::task;
namespace shared = cadre::shared;

using words = shared::map<shared::string, std::uint64_t>;

// Under one lock: one more of `updates`, and an insertion into each of two maps.
task<void> insert_without_end(shared_segment segment, cadre::channel<pid_t> begun) {
    co_await begun.send(::getpid());
    for (;;) {
        auto g = co_await segment.lock();
        auto& updates = g.find_or_construct<std::uint64_t>("updates", std::uint64_t{0});
        const std::string key = "a word of some length: " + std::to_string(updates % 500);
        ++shared::value_of(g.find_or_construct<words>("left"), key);
        ++updates;
        ++shared::value_of(g.find_or_construct<words>("right"), key);
    }
}

std::uint64_t total(const words* of) {
    std::uint64_t sum = 0;
    if (of != nullptr)
        for (const auto& [word, count] : *of)
            sum += count;
    return sum;
}

task<void> kill_writers(cadre::executor ex, int rounds) {
    const shared_segment segment{ex, 1 << 19};
    const cadre::channel<pid_t> begun{ex, 4};
    std::mt19937 random(7);
    std::uint64_t before = 0;
    for (int round = 0; round != rounds; ++round) {
        auto writer = cadre::spawn(ex, insert_without_end, segment, begun);
        const pid_t pid = (co_await begun.receive()).value();
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 3'000));
        ::kill(pid, SIGKILL);
        EXPECT_THROW(co_await std::move(writer), cadre::worker_error);
        auto g = co_await segment.lock();
        const auto* const updates = g.find<std::uint64_t>("updates");
        const std::uint64_t now = updates == nullptr ? 0 : *updates;
        EXPECT_GE(now, before);  // what was complete stays
        EXPECT_EQ(total(g.find<words>("left")), now);
        EXPECT_EQ(total(g.find<words>("right")), now);
        EXPECT_TRUE(g.manager()->check_sanity());
        before = now;
    }
    EXPECT_GT(before, 0U);
}

TEST(process_segment, is_as_the_killed_owner_found_it) {
    const process_executor ex{{.workers = 2}};
    cadre::sync_wait(kill_writers(ex, 100));
}

task<void> change_and_die(shared_segment segment) {
    auto g = co_await segment.lock();
    g.find_or_construct<int>("value", 0) = 2;
    ::raise(SIGKILL);
}

task<void> die_and_look(cadre::executor ex, cadre::segment_options options, int expected) {
    const shared_segment segment{ex, 1 << 16, options};
    {
        auto g = co_await segment.lock();
        g.find_or_construct<int>("value", 1);
    }
    EXPECT_THROW(co_await cadre::on(ex, change_and_die, segment), cadre::worker_crashed);
    const auto g = co_await segment.lock();
    EXPECT_TRUE(g.owner_died());
    EXPECT_EQ(*g.find<int>("value"), expected);
}

TEST(process_segment, tells_the_next_owner_of_a_death) {
    const process_executor ex{{.workers = 1}};
    cadre::sync_wait(die_and_look(ex, {}, 1));
}

TEST(process_segment, that_is_not_recoverable_is_as_the_killed_owner_left_it) {
    const process_executor ex{{.workers = 1}};
    cadre::sync_wait(die_and_look(ex, {.recoverable = false}, 2));
}

task<void> die_and_read(cadre::executor ex) {
    const shared_segment segment{ex, 1 << 16};
    {
        auto g = co_await segment.lock();
        g.find_or_construct<int>("value", 1);
    }
    EXPECT_THROW(co_await cadre::on(ex, change_and_die, segment), cadre::worker_crashed);
    const auto g = co_await segment.lock_shared();
    EXPECT_TRUE(g.owner_died());
    EXPECT_EQ(*g.find<int>("value"), 1);
}

TEST(process_segment, a_reader_after_a_death_finds_it_restored) {
    const process_executor ex{{.workers = 1}};
    cadre::sync_wait(die_and_read(ex));
}

TEST(process_segment, of_a_local_executor_cannot_leave_the_process) {
    const process_executor ex{{.workers = 1}};
    const cadre::serial_executor local;
    const shared_segment segment{local, 1 << 16};
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, change_and_die, segment)), cadre::not_portable);
}

}  // namespace
