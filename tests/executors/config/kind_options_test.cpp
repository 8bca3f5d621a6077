#include "config/kind_options.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

namespace {

using namespace std::chrono_literals;
using cadre::executor_config;

static_assert(std::is_aggregate_v<cadre::process_options> && std::is_trivially_destructible_v<cadre::process_options>);
static_assert(std::is_aggregate_v<cadre::thread_options> && std::is_trivially_destructible_v<cadre::thread_options>);
static_assert(std::is_aggregate_v<cadre::serial_options>);

TEST(kind_options, no_option_gives_the_defaults) {
    const executor_config c{.kind = "process"};
    const cadre::process_options o = cadre::detail::to_process_options(c);
    const cadre::process_options d;
    EXPECT_EQ(o.workers, cadre::default_workers);
    EXPECT_EQ(o.start, d.start);
    EXPECT_EQ(o.task_timeout, 0s);
    EXPECT_EQ(o.kill_grace, 1s);
    EXPECT_EQ(o.memory_limit, 0u);
    EXPECT_EQ(o.retries, 0);
    EXPECT_EQ(o.output, cadre::worker_output::inherit);
    EXPECT_TRUE(o.affinity.empty());
    EXPECT_TRUE(cadre::detail::to_thread_options(executor_config{.kind = "thread"}).workers.is_default());
}

TEST(kind_options, clock_and_seed_of_a_serial_executor) {
    const executor_config c{
        .kind = "serial", .options = {{"clock", "virtual"}, {"seed", 7}, {"workers", 1}}, .name = "test"};
    const cadre::serial_options o = cadre::detail::to_serial_options(c);
    EXPECT_EQ(o.clock, cadre::clock_kind::virtual_time);
    EXPECT_EQ(o.seed, 7u);
    EXPECT_EQ(o.name, "test");
    const cadre::serial_options d = cadre::detail::to_serial_options(executor_config{.kind = "serial"});
    EXPECT_EQ(d.clock, cadre::clock_kind::real_time);
    EXPECT_FALSE(d.seed);
}

TEST(kind_options, a_seed_may_have_64_bits) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    const auto seed_of = [](cadre::option_value seed) {
        return cadre::detail::to_serial_options({.kind = "serial", .options = {{"seed", std::move(seed)}}}).seed;
    };
    EXPECT_EQ(seed_of(most), most);
    EXPECT_EQ(seed_of(std::uint64_t{1} << 63), std::uint64_t{1} << 63);
    EXPECT_EQ(seed_of("18446744073709551615"), most);
    EXPECT_THROW(seed_of("18446744073709551616"), cadre::config_error);
    EXPECT_THROW(seed_of(-1), cadre::config_error);
}

TEST(kind_options, numbers_of_64_bits_are_not_cut_to_fit) {
    const executor_config c{.kind = "process", .options = {{"max_pending", std::numeric_limits<std::uint64_t>::max()}}};
    try {
        static_cast<void>(cadre::detail::to_process_options(c));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_STREQ(e.what(), "max_pending: expected at most 9223372036854775807, got \"18446744073709551615\"");
    }
}

TEST(kind_options, every_option_of_a_process_executor) {
    const executor_config c{.kind = "process",
                            .options = {{"workers", 3},
                                        {"start", "spawn"},
                                        {"task_timeout", "2s"},
                                        {"kill_grace", "250ms"},
                                        {"memory_limit", "256MiB"},
                                        {"memory_soft_limit", "128MiB"},
                                        {"max_tasks_per_worker", 1000},
                                        {"tasks_per_worker", 1},
                                        {"retries", 2},
                                        {"max_pending", 64},
                                        {"output", "capture"},
                                        {"affinity", std::vector{2, 0}}},
                            .name = "untrusted"};
    const cadre::process_options o = cadre::detail::to_process_options(c);
    EXPECT_EQ(o.workers.value(), 3);
    EXPECT_EQ(o.start, cadre::start_method::spawn);
    EXPECT_EQ(o.task_timeout, 2s);
    EXPECT_EQ(o.kill_grace, 250ms);
    EXPECT_EQ(o.memory_limit, std::size_t{256} << 20);
    EXPECT_EQ(o.memory_soft_limit, std::size_t{128} << 20);
    EXPECT_EQ(o.max_tasks_per_worker, 1000u);
    EXPECT_EQ(o.tasks_per_worker, 1u);
    EXPECT_EQ(o.retries, 2);
    EXPECT_EQ(o.max_pending, 64u);
    EXPECT_EQ(o.output, cadre::worker_output::capture);
    EXPECT_EQ(o.affinity, (cadre::cpu_list{0, 2}));
    EXPECT_EQ(o.name, "untrusted");
}

TEST(kind_options, every_option_of_a_thread_executor) {
    const executor_config c{
        .kind = "thread", .options = {{"workers", 4}, {"affinity", std::vector{0, 1}}}, .name = "cpu"};
    const cadre::thread_options o = cadre::detail::to_thread_options(c);
    EXPECT_EQ(o.workers.value(), 4);
    EXPECT_EQ(o.affinity, (cadre::cpu_list{0, 1}));
    EXPECT_EQ(o.name, "cpu");
}

TEST(kind_options, one_worker_is_what_a_serial_executor_has) {
    EXPECT_NO_THROW(cadre::detail::to_serial_options(executor_config{.kind = "serial", .options = {{"workers", 1}}}));
    EXPECT_THROW(cadre::detail::to_serial_options(executor_config{.kind = "serial", .options = {{"workers", 2}}}),
                 cadre::config_error);
}

}  // namespace
