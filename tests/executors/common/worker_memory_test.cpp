#include "common/worker_memory.hpp"

#include <cadre/executors/process.hpp>
#include <cadre/on.hpp>
#include <cadre/sync_wait.hpp>

#include <gtest/gtest.h>

namespace {

int seven() { return 7; }

TEST(worker_memory, the_least_limit_is_enough_to_run_a_call) {
    const std::size_t least = cadre::detail::least_worker_memory();
    for (const auto start : {cadre::start_method::forkserver, cadre::start_method::spawn}) {
        const cadre::process_executor ex{{.workers = 1, .start = start, .memory_limit = least}};
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, seven)), 7);
    }
}

TEST(worker_memory, a_smaller_limit_is_refused) {
    const std::size_t least = cadre::detail::least_worker_memory();
    if (least == 0) {
        GTEST_SKIP() << "sanitizers: the limit is not enforced";
    }
    EXPECT_THROW(cadre::process_executor({.workers = 1, .memory_limit = 1}), cadre::config_error);
    EXPECT_THROW(cadre::process_executor({.workers = 1, .memory_limit = least - 1}), cadre::config_error);
    EXPECT_EQ(cadre::detail::memory_limit_fault(0), "");
}

TEST(worker_memory, a_soft_limit_above_the_limit_is_refused) {
    constexpr std::size_t gib = std::size_t{1} << 30;
    EXPECT_EQ(cadre::detail::memory_soft_limit_fault(gib, 0), "");
    EXPECT_EQ(cadre::detail::memory_soft_limit_fault(0, gib), "");
    EXPECT_EQ(cadre::detail::memory_soft_limit_fault(gib, gib), "");
    try {
        static_cast<void>(
            cadre::process_executor({.workers = 1, .memory_soft_limit = 2 * gib, .memory_limit = gib, .name = "p"}));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_STREQ(e.what(), "executor 'p': memory_soft_limit: expected at most memory_limit (1073741824B), got "
                               "2147483648B: no worker can use more than memory_limit");
    }
}

}  // namespace
