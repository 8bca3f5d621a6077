#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

TEST(installed_kit, starts_worker_processes) {
    auto ex = cadre::make_executor("process:2");
    EXPECT_EQ(ex.concurrency(), 2u);
}
