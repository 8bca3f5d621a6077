// A scope whose tasks spawn and end on several threads.
#include <cadre/scope.hpp>

#include <atomic>

#include <gtest/gtest.h>

#include <cadre/executors/thread.hpp>
#include <cadre/on.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>

namespace {

using cadre::scope;
using cadre::sync_wait;
using cadre::task;

task<> spawn_tree(scope& s, int depth, std::atomic<int>& ended) {
    if (depth != 0)
        for (int i = 0; i < 4; ++i)
            s.spawn(spawn_tree(s, depth - 1, ended));
    ended.fetch_add(1);
    co_return;
}
task<int> join_a_tree(int depth) {
    std::atomic<int> ended{0};
    scope s;
    s.spawn(spawn_tree(s, depth, ended));
    co_await s.join();
    EXPECT_EQ(s.size(), 0u);
    s.spawn(spawn_tree(s, depth, ended));  // again, with new counts
    co_await s.join();
    co_return ended.load();
}

TEST(scope, joins_tasks_that_its_tasks_spawn_on_several_threads_while_it_joins) {
    const cadre::thread_executor pool{{.workers = 3}};
    for (int i = 0; i < 50; ++i)
        EXPECT_EQ(sync_wait(cadre::on(pool, join_a_tree, 5)), 2 * 1365);
    EXPECT_EQ(sync_wait(join_a_tree(5)), 2 * 1365);
}

}  // namespace
