#include "runtime/shutdown_notice.hpp"

#include <cadre/async_semaphore.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>

#include <gtest/gtest.h>

namespace {

cadre::task<void> wait_for(cadre::async_semaphore gate) { auto permit = co_await gate.acquire(); }

TEST(shutdown_notice, names_executor_and_tasks) {
    const cadre::thread_executor pool{{.workers = 1, .name = "cpu"}};
    cadre::async_semaphore gate{pool, 0};
    cadre::job<void> first = cadre::spawn(pool.with({.name = "resize"}), wait_for, gate);
    EXPECT_EQ(cadre::detail::describe_unfinished(pool),
              "cadre: waiting for executor 'cpu': 1 task has not ended since stop was requested: resize");
    cadre::job<void> second = cadre::spawn(pool, wait_for, gate);
    EXPECT_EQ(cadre::detail::describe_unfinished(pool),
              "cadre: waiting for executor 'cpu': 2 tasks have not ended since stop was requested: resize, "
              "(anonymous namespace)::wait_for(cadre::async_semaphore)");
    gate.release(2);
    cadre::sync_wait(std::move(first));
    cadre::sync_wait(std::move(second));
}

}  // namespace
