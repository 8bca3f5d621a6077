// What worker processes do with a shared constant: how often they decode it, when they free it, and what a death
// changes.

#include "guard.hpp"
#include "support.hpp"

#include "shm/state_plane.hpp"

#include <cadre/bind_portable.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/map.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/shared_constant.hpp>
#include <cadre/shared_value.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <ranges>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::shared_constant;

/// Counts, in each process, how often it was decoded, and how many objects there are.
struct counted {
    counted() { ++objects; }
    explicit counted(std::vector<int> v) : values(std::move(v)) { ++objects; }
    counted(counted&& other) noexcept : values(std::move(other.values)) { ++objects; }
    counted(const counted& other) : values(other.values) { ++objects; }
    counted& operator=(const counted&) = default;
    counted& operator=(counted&&) = default;
    ~counted() { --objects; }
    template <class Archive>
    void serialize(Archive& archive) {
        if constexpr (Archive::is_loading::value) ++decodings;
        archive(values);
    }
    std::vector<int> values;
    static inline std::atomic<int> decodings{0};
    static inline std::atomic<int> objects{0};
};

std::pair<pid_t, int> decodings_after_reading(shared_constant<counted> c, int i) {
    if ((*c).values.at(static_cast<std::size_t>(i)) != i) return {0, -1};
    return {::getpid(), counted::decodings.load()};
}
std::pair<pid_t, int> decodings_without_reading(shared_constant<counted>) {
    return {::getpid(), counted::decodings.load()};
}

int objects_in_worker() { return counted::objects.load(); }

class process_constant : public ::testing::Test {
protected:
    const hang_guard guard_;
    const executor ex_ = process_executor{{.workers = 1}};
};

TEST_F(process_constant, is_decoded_once_a_worker_and_never_where_it_was_made) {
    const int before = counted::decodings.load();
    const executor two = process_executor{{.workers = 2}};
    const shared_constant<counted> c{two, counted({0, 1, 2, 3})};
    for (const auto& [pid, decodings] : cadre::sync_wait(
             cadre::map(two, cadre::bind_portable(decodings_after_reading, c), std::views::iota(0, 4), {.chunk = 1}))) {
        EXPECT_NE(pid, ::getpid());
        EXPECT_EQ(decodings, 1);
    }
    for (int i = 0; i != 20; ++i)
        EXPECT_EQ(cadre::sync_wait(cadre::on(two, decodings_after_reading, c, i % 4)).second, 1);
    EXPECT_EQ((*c).values.size(), 4U);
    EXPECT_EQ(counted::decodings.load(), before);
}

TEST_F(process_constant, is_not_decoded_by_a_worker_that_does_not_read_it) {
    const shared_constant<counted> c{ex_, counted({0})};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex_, decodings_without_reading, c)).second, 0);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex_, decodings_after_reading, c, 0)).second, 1);
}

TEST_F(process_constant, is_encoded_once) {
    // What becomes of the value here afterwards does not reach the workers.
    const shared_constant<counted> c{ex_, counted({0, 1})};
    const_cast<counted&>(*c).values[1] = 5;
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex_, decodings_after_reading, c, 1)).second, 1);
}

TEST_F(process_constant, is_freed_by_a_worker_when_it_exists_no_more) {
    for (int i = 0; i != 10; ++i) {
        const shared_constant<counted> c{ex_, counted({0})};
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex_, decodings_after_reading, c, 0)).second, i + 1);
        // Those of earlier constants, except one that may not have been looked for yet.
        EXPECT_LE(cadre::sync_wait(cadre::on(ex_, objects_in_worker)), 2);
    }
}

TEST_F(process_constant, stays_decoded_while_another_process_has_a_handle) {
    const shared_constant<counted> first{ex_, counted({0})};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex_, decodings_after_reading, first, 0)).second, 1);
    for (int i = 0; i != 100; ++i) {
        const shared_constant<counted> other{ex_, counted({0})};
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex_, decodings_after_reading, other, 0)).second, 2 + i);
    }
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex_, decodings_after_reading, first, 0)).second, 101);
}

/// The memory behind all memory files of this process, the one of the state plane among them.
std::uintmax_t bytes_of_memory_files() {
    std::uintmax_t bytes = 0;
    for (const auto& fd : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        struct stat file{};
        if (std::filesystem::read_symlink(fd, gone).string().starts_with("/memfd:") &&
            ::stat(fd.path().c_str(), &file) == 0)
            bytes += static_cast<std::uintmax_t>(file.st_blocks) * 512;
    }
    return bytes;
}

TEST_F(process_constant, its_memory_is_used_again) {
    constexpr std::size_t size = 16 << 20;
    const auto use_one = [&] {
        const shared_constant<std::string> c{ex_, std::string(size, 'x')};
        const auto length = [](shared_constant<std::string> text) { return text->size(); };
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex_, length, c)), size);
    };
    use_one();
    const std::uintmax_t before = bytes_of_memory_files();
    ASSERT_GE(before, size);
    for (int i = 0; i != 20; ++i)
        use_one();
    EXPECT_LE(bytes_of_memory_files(), before + 4 * size);
}

int die_reading(shared_constant<counted> c, int i) {
    if ((*c).values.at(static_cast<std::size_t>(i)) == i) die_by_signal(SIGKILL);
    return 0;
}

TEST_F(process_constant, survives_the_death_of_a_worker_that_reads_it) {
    const shared_constant<counted> c{ex_, counted({0, 1})};
    for (int i = 0; i != 3; ++i) {
        EXPECT_THROW(cadre::sync_wait(cadre::on(ex_, die_reading, c, 1)), cadre::worker_crashed);
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex_, decodings_after_reading, c, 1)).second, 1);  // in a new worker
    }
    EXPECT_EQ((*c).values[1], 1);
}

shared_constant<counted> make_constant(executor ex) { return shared_constant<counted>{ex, counted({0, 1, 2})}; }

TEST_F(process_constant, survives_the_death_of_the_worker_that_made_it) {
    const auto c = cadre::sync_wait(cadre::on(ex_, make_constant, ex_));
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex_, die_by_signal, SIGKILL)), cadre::worker_crashed);
    EXPECT_EQ((*c).values.at(2), 2);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex_, decodings_after_reading, c, 2)).second, 1);
}

TEST_F(process_constant, is_decoded_once_although_several_threads_read_it) {
    const auto c = cadre::sync_wait(cadre::on(ex_, make_constant, ex_));
    const int before = counted::decodings.load();
    std::atomic<const counted*> seen[4]{};
    {
        std::vector<std::jthread> readers;
        for (auto& address : seen)
            readers.emplace_back([&address, c] { address = &*c; });
    }
    for (const auto& address : seen)
        EXPECT_EQ(address.load(), &*c);
    EXPECT_EQ(counted::decodings.load(), before + 1);
}

struct with_cell {
    with_cell() = default;
    std::shared_ptr<cadre::shared_value<int>> cell;
    template <class Archive>
    void serialize(Archive& archive) {
        if constexpr (!Archive::is_loading::value) archive(*cell);
    }
};

TEST_F(process_constant, refuses_handles_that_its_type_does_not_show) {
    with_cell value;
    value.cell = std::make_shared<cadre::shared_value<int>>(ex_, 1);
    EXPECT_THROW((shared_constant<with_cell>{ex_, value}), cadre::not_portable);
}

TEST_F(process_constant, of_a_local_executor_does_not_travel) {
    const shared_constant<counted> c{cadre::serial_executor{}, counted({0})};
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex_, decodings_after_reading, c, 0)), cadre::not_portable);
}

// The bytes of a constant that a worker has made, changed by that worker.
std::pair<shared_constant<counted>, int> make_damaged(executor ex, int value) {
    const auto& memory = cadre::detail::shm::state_plane::program()->memory();
    const auto self = cadre::detail::shm::state_plane::program()->self().slot;
    shared_constant<counted> c{ex, counted(std::vector<int>(1000, 1))};
    std::memset(memory.at<std::byte>(memory.object(self, 0).data.load()), value, memory.object(self, 0).size.load());
    return {c, 0};
}

TEST_F(process_constant, that_is_damaged_is_an_error_where_it_is_read) {
    for (const int value : {0xff, 0x7f, 0x00, 0x5a}) {
        const executor bad = process_executor{{.workers = 1}};
        const auto made = cadre::sync_wait(cadre::on(bad, make_damaged, bad, value));
        EXPECT_THROW((void)*made.first, cadre::error) << value;
        EXPECT_THROW((void)*made.first, cadre::error) << value;
    }
}

}  // namespace
