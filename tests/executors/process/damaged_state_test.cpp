// A worker that damages the state plane, which all processes of the program share: other executors go on.

#include "guard.hpp"
#include "support.hpp"

#include "shm/blocks.hpp"
#include "shm/state_plane.hpp"

#include <cadre/async_mutex.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/shared_array.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

namespace {

using namespace cadre::process_tests;
namespace shm = cadre::detail::shm;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

task<int> send_two(cadre::channel<int> to) {
    co_await to.send(1);
    co_await to.send(2);
    co_return 3;
}

// What a program does with an executor that never ran hostile code; its worker dies once.
void expect_usable(const executor& ex) {
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, exit_with, 3)), cadre::worker_crashed);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    for (int i = 0; i < 20; ++i) {
        cadre::channel<int> numbers{ex, 4};
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, send_two, numbers)), 3);
        EXPECT_EQ(cadre::sync_wait(numbers.receive()), 1);
        EXPECT_EQ(cadre::sync_wait(numbers.receive()), 2);
        cadre::async_mutex mutex{ex};
        EXPECT_TRUE(mutex.try_lock().has_value());
        cadre::shared_array<int> array{ex, 10};
        array[3] = i;
        EXPECT_EQ(array[3], i);
    }
}

const shm::region& memory() { return shm::state_plane::program()->memory(); }

int overwrite_header(int value) {
    std::memset(static_cast<void*>(&memory().header()), value, sizeof(shm::region_header));
    return 1;
}

int overwrite_process_table(int value) {
    std::memset(static_cast<void*>(&memory().process(0)), value, memory().slots() * sizeof(shm::process_entry));
    return 1;
}

int overwrite_arena_header(int value) {
    std::memset(static_cast<void*>(&memory().arena(0)), value, sizeof(shm::arena_header));
    return 1;
}

int overwrite_units(int value) {
    std::memset(static_cast<void*>(&memory().unit(0, 0)), value, 256);
    return 1;
}

int overwrite_objects(int value) {
    std::memset(static_cast<void*>(&memory().object(0, 0)), value, 64 * sizeof(shm::object_entry));
    return 1;
}

int overwrite_blocks(int value) {
    std::memset(memory().at<std::byte>(memory().unit_offset(0, 0)), value, 2 * shm::unit_size);
    return 1;
}

class damaged_state : public ::testing::TestWithParam<int (*)(int)> {};

TEST_P(damaged_state, does_not_stop_other_executors) {
    const hang_guard guard;
    for (const int value : {0x00, 0x5a, 0xff}) {
        const executor good = process_executor{{.workers = 1}};
        const executor bad = process_executor{{.workers = 1}};
        expect_usable(good);
        EXPECT_EQ(cadre::sync_wait(cadre::on(bad, GetParam(), value)), 1);
        expect_usable(good);
        const executor young = process_executor{{.workers = 1}};
        expect_usable(young);
    }
}

int claim_everything(int value) {
    // As if this worker, and all others, had used all units and objects, in small blocks.
    for (unsigned slot = 0; slot != memory().slots(); ++slot)
        std::memset(static_cast<void*>(&memory().arena(slot)), value, sizeof(shm::arena_header));
    const unsigned self = shm::state_plane::program()->self().slot;
    for (std::uint64_t u = 0; u != 8192; ++u)
        memory().unit(self, u).store(shm::small_unit);
    return 1;
}

long shared_kib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("RssShmem:")) return std::atol(line.c_str() + sizeof "RssShmem:");
    return 0;
}

TEST(damaged_memory, does_not_make_the_parent_grow) {
    const hang_guard guard;
    const executor good = process_executor{{.workers = 1}};
    expect_usable(good);
    const long before = shared_kib();
    for (int i = 0; i < 4; ++i) {
        const executor bad = process_executor{{.workers = 1}};
        EXPECT_EQ(cadre::sync_wait(cadre::on(bad, claim_everything, 0xff)), 1);
        EXPECT_THROW(cadre::sync_wait(cadre::on(bad, exit_with, 3)), cadre::worker_crashed);
        expect_usable(good);
    }
    EXPECT_LT(shared_kib() - before, 64 * 1024);
}

INSTANTIATE_TEST_SUITE_P(parts, damaged_state,
                         ::testing::Values(overwrite_header, overwrite_process_table, overwrite_arena_header,
                                           overwrite_units, overwrite_objects, overwrite_blocks));

}  // namespace
