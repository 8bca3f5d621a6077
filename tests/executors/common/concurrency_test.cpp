#include "common/concurrency.hpp"
#include "executors/temporary_folder.hpp"

#include <cadre/errors.hpp>
#include <cadre/executors/process.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/executors/workers.hpp>

#include <gtest/gtest.h>

#include <sched.h>

#include <cstdint>
#include <limits>
#include <string>

namespace {

using cadre::detail::cgroup_quota;
using cadre::detail::usable_cores;

constexpr const char* v2_mount = "22 1 0:20 / /proc rw - proc proc rw\n"
                                 "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* v1_mount =
    "33 32 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro master:11 - cgroup cgroup rw,cpu,cpuacct\n"
    "34 32 0:30 /docker/abc /sys/fs/cgroup/memory ro master:12 - cgroup cgroup rw,memory\n";

class concurrency : public ::testing::Test {
protected:
    void v2(const std::string& group) {
        root_.write("proc/self/mountinfo", v2_mount);
        root_.write("proc/self/cgroup", "0::" + group + "\n");
    }
    void v1(const std::string& quota, const std::string& period) {
        root_.write("proc/self/mountinfo", v1_mount);
        root_.write("proc/self/cgroup", "7:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n");
        root_.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", quota);
        root_.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", period);
    }
    [[nodiscard]] int quota() const { return cgroup_quota(root_.path()); }

    temporary_folder root_;
};

TEST_F(concurrency, no_cgroup_is_no_quota) {
    EXPECT_EQ(quota(), 0);
    EXPECT_EQ(usable_cores(6, root_.path()), 6);
}

TEST_F(concurrency, v2_quota_is_rounded_up) {
    v2("/app");
    root_.write("sys/fs/cgroup/app/cpu.max", "150000 100000\n");
    EXPECT_EQ(quota(), 2);
    EXPECT_EQ(usable_cores(8, root_.path()), 2);
    EXPECT_EQ(usable_cores(1, root_.path()), 1);
}

TEST_F(concurrency, v2_small_quota_is_one_core) {
    v2("/");
    root_.write("sys/fs/cgroup/cpu.max", "5000 100000\n");
    EXPECT_EQ(quota(), 1);
}

TEST_F(concurrency, v2_max_is_no_quota) {
    v2("/app");
    root_.write("sys/fs/cgroup/app/cpu.max", "max 100000\n");
    EXPECT_EQ(quota(), 0);
}

TEST_F(concurrency, v2_parents_quota_binds_too) {
    v2("/slice/app/inner");
    root_.write("sys/fs/cgroup/slice/cpu.max", "300000 100000\n");
    root_.write("sys/fs/cgroup/slice/app/cpu.max", "800000 100000\n");
    root_.write("sys/fs/cgroup/slice/app/inner/cpu.max", "max 100000\n");
    EXPECT_EQ(quota(), 3);
}

TEST_F(concurrency, v2_group_outside_of_the_namespace) {
    v2("/../other");
    root_.write("sys/fs/cgroup/cpu.max", "200000 100000\n");
    EXPECT_EQ(quota(), 2);
}

TEST_F(concurrency, v1_quota_of_a_mounted_subgroup) {
    v1("250000\n", "100000\n");
    EXPECT_EQ(quota(), 3);
}

TEST_F(concurrency, v1_minus_one_is_no_quota) {
    v1("-1\n", "100000\n");
    EXPECT_EQ(quota(), 0);
}

TEST_F(concurrency, nonsense_in_the_files_is_no_quota) {
    v2("/app");
    root_.write("sys/fs/cgroup/app/cpu.max", "many few\n");
    EXPECT_EQ(quota(), 0);
    v1("", "0\n");
    EXPECT_EQ(quota(), 0);
    root_.write("proc/self/mountinfo", "broken\n - cgroup2\n");
    root_.write("proc/self/cgroup", "no colons\n");
    EXPECT_EQ(quota(), 0);
}

TEST_F(concurrency, unknown_affinity_still_gives_a_worker) { EXPECT_GE(usable_cores(0, root_.path()), 1); }

TEST_F(concurrency, respects_the_affinity_mask) {
    cpu_set_t before;
    ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    EXPECT_EQ(cadre::detail::affinity_count(), CPU_COUNT(&before));
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
        if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(cadre::default_concurrency(), 1);
    ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(worker_count, takes_any_integer_and_refuses_what_is_no_number_of_workers) {
    using cadre::detail::resolve_workers;
    EXPECT_EQ(resolve_workers(3), 3);
    EXPECT_EQ(resolve_workers(std::size_t{2}), 2);
    EXPECT_EQ(resolve_workers({}), cadre::default_concurrency());
    EXPECT_THROW(static_cast<void>(resolve_workers(0)), cadre::config_error);
    EXPECT_THROW(static_cast<void>(resolve_workers(-1)), cadre::config_error);
    EXPECT_THROW(static_cast<void>(resolve_workers(std::numeric_limits<int>::min())), cadre::config_error);
    EXPECT_THROW(static_cast<void>(resolve_workers(std::numeric_limits<std::int64_t>::min())), cadre::config_error);
    EXPECT_THROW(static_cast<void>(resolve_workers(std::numeric_limits<std::uint64_t>::max())), cadre::config_error);
    EXPECT_THROW(static_cast<void>(resolve_workers(5000)), cadre::config_error);
}

TEST(cpu_list, gives_cpus_round_robin) {
    const cadre::cpu_list cpus = {4, 1};
    EXPECT_EQ(cpus.size(), 2u);
    EXPECT_EQ(cpus.cpu_of(0), 1);
    EXPECT_EQ(cpus.cpu_of(1), 4);
    EXPECT_EQ(cpus.cpu_of(2), 1);
    EXPECT_TRUE(cpus.contains(4));
    EXPECT_FALSE(cpus.contains(-1));
    EXPECT_EQ(cadre::cpu_list().cpu_of(0), -1);
    EXPECT_THROW((cadre::cpu_list{-1}), cadre::config_error);
    EXPECT_THROW((cadre::cpu_list{1024}), cadre::config_error);
}

TEST(affinity, names_cpus_that_this_process_may_use) {
    cpu_set_t before;
    ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
    int first = 0;
    while (!CPU_ISSET(first, &before))
        ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    const std::string of_mask = cadre::detail::affinity_fault({first});
    const std::string beyond = cadre::detail::affinity_fault({first, first + 1});
    ::sched_setaffinity(0, sizeof before, &before);
    EXPECT_EQ(of_mask, "");
    EXPECT_EQ(beyond, "expected CPUs that this process may use (" + std::to_string(first) + "), got " +
                          std::to_string(first + 1));
    EXPECT_EQ(cadre::detail::affinity_fault({}), "");
}

TEST(affinity, executors_refuse_a_cpu_that_this_process_may_not_use) {
    EXPECT_THROW(cadre::thread_executor({.workers = 1, .affinity = {1023}}), cadre::config_error);
    EXPECT_THROW(cadre::process_executor({.workers = 1, .affinity = {1023}}), cadre::config_error);
}

}  // namespace
