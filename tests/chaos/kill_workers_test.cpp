// Workers are killed at random moments: every call ends, with its result or with the error of its worker's death, and
// other calls are not affected.

#include <cadre/executors/process.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/this_task.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

pid_t pid_of_worker() { return ::getpid(); }
int twice(int x) { return 2 * x; }
std::string repeat(std::string s, int times) {
    std::string all;
    for (int i = 0; i < times; ++i)
        all += s;
    return all;
}
task<int> nap(int x) {
    co_await cadre::sleep_for(1ms);
    co_return x;
}
task<int> nested(int x) {
    const executor ex = co_await cadre::this_task::executor();
    co_return co_await cadre::on(ex, twice, x);
}

struct tally {
    int done = 0;
    int died = 0;
};

task<void> one(executor ex, int i, tally& t) {
    try {
        switch (i % 4) {
            case 0: EXPECT_EQ(co_await cadre::on(ex, twice, i), 2 * i); break;
            case 1: EXPECT_EQ(co_await cadre::on(ex, nap, i), i); break;
            case 2:
                EXPECT_EQ((co_await cadre::on(ex, repeat, std::string(1000, 'x'), i % 50)).size(),
                          1000u * static_cast<unsigned>(i % 50));
                break;
            default: EXPECT_EQ(co_await cadre::on(ex, nested, i), 2 * i); break;
        }
        ++t.done;
    } catch (const cadre::worker_crashed&) {
        ++t.died;
    } catch (const cadre::worker_lost&) {
        ++t.died;
    }
}

task<tally> load(executor ex, std::atomic<bool>& stop) {
    tally t;
    for (int round = 0; !stop; ++round) {
        std::vector<task<void>> all;
        for (int i = 0; i < 64; ++i)
            all.push_back(one(ex, round * 64 + i, t));
        co_await cadre::when_all(std::move(all));
    }
    co_return t;
}

int seconds_to_run() {
    const char* const given = std::getenv("CADRE_CHAOS_SECONDS");
    return given != nullptr ? std::atoi(given) : 10;
}

TEST(chaos, killing_workers_disturbs_no_other_task) {
    const executor ex = process_executor{{.workers = 3}};
    std::atomic<bool> stop{false};
    std::atomic<int> kills{0};
    // Finds its victims by a call, which may itself fail with them.
    std::thread killer([&] {
        std::minstd_rand random(7);
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds_to_run());
        while (std::chrono::steady_clock::now() < end) {
            try {
                const pid_t victim = cadre::sync_wait(cadre::on(ex, pid_of_worker));
                std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
                if (::kill(victim, SIGKILL) == 0) ++kills;
            } catch (const cadre::error&) {
            }
        }
        stop = true;
    });
    const tally t = cadre::sync_wait(load(ex, stop));
    killer.join();
    EXPECT_GT(kills, 10);
    EXPECT_GT(t.done, 1000);
    std::cout << kills << " kills, " << t.done << " calls done, " << t.died << " died with their worker, "
              << ex.stats().restarts << " workers replaced\n";
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, twice, 21)), 42);
    EXPECT_EQ(ex.stats().running, 0u);
}

TEST(chaos, retries_hide_the_killing) {
    const executor ex = process_executor{{.workers = 2, .retries = 1000}};
    std::atomic<bool> stop{false};
    std::thread killer([&] {
        const auto end = std::chrono::steady_clock::now() + 3s;
        while (std::chrono::steady_clock::now() < end) {
            const pid_t victim = cadre::sync_wait(cadre::on(ex, pid_of_worker));
            ::kill(victim, SIGKILL);
        }
        stop = true;
    });
    const tally t = cadre::sync_wait(load(ex, stop));
    killer.join();
    EXPECT_GT(t.done, 100);
    EXPECT_EQ(t.died, 0);
}

}  // namespace
