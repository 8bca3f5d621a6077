#include "base/available_memory.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace {

using cadre::detail::available_memory;
using cadre::detail::memory_files;
using cadre::detail::unknown_memory;

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

/// Files as the kernel publishes them, in a folder of the test's own.
class memory_test : public testing::Test {
protected:
    memory_test() {
        std::string name = testing::TempDir() + "cadre-memory-XXXXXX";
        root_ = ::mkdtemp(name.data());
        write("proc/meminfo", "MemTotal: 4194304 kB\nMemAvailable: 2097152 kB\nSwapFree: 1024 kB\n");
    }
    ~memory_test() override { std::filesystem::remove_all(root_); }

    void write(const std::string& file, const std::string& text) const {
        std::filesystem::create_directories((root_ / file).parent_path());
        std::ofstream(root_ / file) << text;
    }
    [[nodiscard]] std::uint64_t available() const { return available_memory({root_ / "proc", root_ / "cgroup"}); }

private:
    std::filesystem::path root_;
};

TEST_F(memory_test, of_the_system_with_its_swap) { EXPECT_EQ(available(), 2049 * mib); }

TEST_F(memory_test, a_group_of_version_2_leaves_less_and_its_page_cache_counts_as_free) {
    write("proc/self/cgroup", "0::/app\n");
    write("cgroup/app/memory.max", "104857600\n");
    write("cgroup/app/memory.current", "83886080\n");
    write("cgroup/app/memory.stat", "anon 1\ninactive_file 10485760\n");
    EXPECT_EQ(available(), 30 * mib);
}

TEST_F(memory_test, the_limit_of_a_group_above_binds) {
    write("proc/self/cgroup", "0::/outer/app\n");
    write("cgroup/outer/memory.max", "104857600\n");
    write("cgroup/outer/memory.current", "94371840\n");
    write("cgroup/outer/app/memory.max", "max\n");
    write("cgroup/outer/app/memory.current", "1048576\n");
    EXPECT_EQ(available(), 10 * mib);
}

TEST_F(memory_test, in_a_container_the_own_group_is_the_root) {
    write("proc/self/cgroup", "0::/\n");
    write("cgroup/memory.max", "104857600\n");
    write("cgroup/memory.current", "52428800\n");
    EXPECT_EQ(available(), 50 * mib);
}

TEST_F(memory_test, a_group_of_version_1) {
    write("proc/self/cgroup", "4:memory:/app\n0::/\n");
    write("cgroup/memory/app/memory.limit_in_bytes", "104857600\n");
    write("cgroup/memory/app/memory.usage_in_bytes", "99614720\n");
    EXPECT_EQ(available(), 5 * mib);
}

TEST_F(memory_test, more_in_use_than_allowed_leaves_nothing) {
    write("proc/self/cgroup", "0::/\n");
    write("cgroup/memory.max", "1048576\n");
    write("cgroup/memory.current", "2097152\n");
    EXPECT_EQ(available(), 0u);
}

TEST(available_memory, is_unknown_without_the_files) {
    EXPECT_EQ(available_memory({"/no/such/proc", "/no/such/cgroup"}), unknown_memory);
}

TEST(available_memory, is_known_here) {
    EXPECT_GT(available_memory(), 0u);
    EXPECT_LT(available_memory(), unknown_memory);
    EXPECT_TRUE(cadre::detail::memory_left_for(mib));
    EXPECT_FALSE(cadre::detail::memory_left_for(unknown_memory));
}

}  // namespace
