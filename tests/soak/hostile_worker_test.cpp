// Hostile workers: whatever one does to the memory that it shares, the parent neither ends, hangs nor grows, and
// returns no wrong result of a call that ran in a clean worker. CADRE_FIRST_SEED and CADRE_SEEDS in the environment
// choose the attacks.

#include "attack.hpp"
#include "full.hpp"

#include <cadre/as_outcome.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/process.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/timeout.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <ctime>

namespace {

using namespace std::chrono_literals;
using cadre::executor;
using cadre::process_executor;
using cadre::task;
using clock_type = std::chrono::steady_clock;

constexpr auto task_limit = 200ms;
constexpr auto grace = 50ms;
constexpr auto longest_delay = 1s;
// Of a call that was sent to a worker that an earlier attack has damaged: until that is ended, and the call goes to
// another.
constexpr auto limit_of_silent_workers = 3s;
constexpr long max_growth = 64 * 1024;  // KiB

int plus_one(int x) { return x + 1; }
std::vector<int> reversed(std::vector<int> v) {
    std::reverse(v.begin(), v.end());
    return v;
}
task<int> send_to(cadre::channel<int> to, int x) {
    co_await to.send(x);
    co_return x;
}

/// How much longer than by itself a thread takes on this machine: no fault of the library.
class machine_load {
public:
    machine_load() : thread_([this](const std::stop_token& stop) { measure(stop); }) {}
    /// The largest factor since the last call, at least 1.
    [[nodiscard]] long take() { return std::max(1L, largest_.exchange(1)); }

private:
    static std::chrono::nanoseconds cpu_time() {
        timespec used{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
        return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
    }
    void measure(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            const auto begin = clock_type::now();
            for (const auto enough = cpu_time() + 5ms; cpu_time() < enough;)
                continue;
            largest_ = std::max<long>(largest_, (clock_type::now() - begin) / 5ms);
            std::this_thread::sleep_for(100ms);
        }
    }

    std::atomic<long> largest_{1};
    std::jthread thread_;
};

/// What a clean executor experiences meanwhile.
struct experience {
    bool end = false;
    int calls = 0;
    int wrong = 0;
    int failed = 0;
    std::string failure{};
    clock_type::duration longest{};
};

template <class R>
void note(experience& x, clock_type::time_point begin, const cadre::outcome<R>& got, const R& expected) {
    ++x.calls;
    x.longest = std::max(x.longest, clock_type::now() - begin);
    if (!got.has_value()) {
        ++x.failed;
        x.failure = got.what();
    } else if (*got != expected) {
        ++x.wrong;
    }
}

task<void> call_small(executor clean, experience& x) {
    for (int i = 0; !x.end; ++i) {
        const auto begin = clock_type::now();
        const auto got = co_await cadre::as_outcome(cadre::on(clean, plus_one, i));
        note(x, begin, got, i + 1);
        co_await cadre::sleep_for(1ms);
    }
}

task<void> call_large(executor clean, experience& x) {
    std::vector<int> values(20'000);
    for (int i = 0; !x.end; ++i) {
        std::iota(values.begin(), values.end(), i);
        std::vector<int> expected(values.rbegin(), values.rend());
        const auto begin = clock_type::now();
        const auto got = co_await cadre::as_outcome(cadre::on(clean, reversed, values));
        note(x, begin, got, expected);
        co_await cadre::sleep_for(3ms);
    }
}

// Objects of the state plane may break, for all processes share it; they do not hang.
task<void> use_channels(executor clean, experience& x) {
    for (int i = 0; !x.end; ++i) {
        const auto begin = clock_type::now();
        try {
            const cadre::channel<int> numbers{clean, 2};
            (void)co_await cadre::timeout(300ms, cadre::on(clean, send_to, numbers, i));
            (void)co_await cadre::timeout(300ms, numbers.receive());
        } catch (const std::exception&) {
        }
        x.longest = std::max(x.longest, clock_type::now() - begin - 600ms);
        co_await cadre::sleep_for(10ms);
    }
}

long status_kib(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(name)) return std::atol(line.c_str() + name.size());
    return 0;
}
long resident_kib() { return status_kib("VmRSS:"); }

std::string kind_of_end(const cadre::outcome<int>& o) {
    if (o.has_value()) return "a value";
    try {
        o.value();
    } catch (const cadre::worker_crashed& e) {
        return std::string(e.what()).find("and was killed") != std::string::npos ? "worker_crashed, a violation"
                                                                                 : "worker_crashed";
    } catch (const cadre::worker_error&) {
        return "another worker_error";
    } catch (const cadre::error&) {
        return "another error of the library";
    } catch (const std::exception&) {
        return "another exception";
    }
    return {};
}

task<void> run_attacks(executor hostile, executor clean, unsigned first, unsigned count) {
    machine_load machine;
    experience x;
    cadre::scope s;
    s.spawn(call_small(clean, x));
    s.spawn(call_small(clean, x));
    s.spawn(call_large(clean, x));
    s.spawn(use_channels(clean, x));
    std::map<std::string, int> ends;
    clock_type::duration longest_attack{};
    for (unsigned seed = first; seed < first + count; ++seed) {
        const auto begin = clock_type::now();
        x.longest = {};
        (void)machine.take();
        const auto end = co_await cadre::as_outcome(cadre::on(hostile, cadre::soak::attack, seed));
        const auto took = clock_type::now() - begin;
        ++ends[kind_of_end(end)];
        co_await cadre::sleep_for(2ms);
        const auto limit = longest_delay * machine.take();
        EXPECT_LT(took, task_limit + grace + limit_of_silent_workers + limit) << "seed " << seed;
        EXPECT_LT(x.longest, limit) << "seed " << seed;
        EXPECT_EQ(x.wrong, 0) << "seed " << seed;
        EXPECT_EQ(x.failed, 0) << "seed " << seed << ": " << x.failure;
        x.wrong = x.failed = 0;
        longest_attack = std::max(longest_attack, took);
    }
    x.end = true;
    co_await s.join();
    for (const auto& [what, times] : ends)
        std::printf("  %d attacks ended with %s\n", times, what.c_str());
    std::printf("  %d clean calls; the longest attack took %lld ms\n", x.calls,
                static_cast<long long>(longest_attack / 1ms));
}

unsigned number(const char* variable, unsigned otherwise) {
    const char* const given = std::getenv(variable);
    return given != nullptr ? static_cast<unsigned>(std::atoi(given)) : otherwise;
}

TEST(hostile_seeds, harm_no_other_worker_and_not_the_parent) {
    const unsigned first = number("CADRE_FIRST_SEED", 1);
    const unsigned seeds = number("CADRE_SEEDS", cadre::soak::part_or_all(30u, 300u));
    const executor hostile = process_executor{{.workers = 2,
                                               .task_timeout = task_limit,
                                               .kill_grace = grace,
                                               .output = cadre::worker_output::capture,
                                               .name = "hostile"}};
    const executor clean = process_executor{{.workers = 2, .name = "clean"}};
    cadre::sync_wait(run_attacks(hostile, clean, 100'000, 3));  // fills caches and pools
    const long before = resident_kib();
    cadre::sync_wait(run_attacks(hostile, clean, first, seeds));
    EXPECT_LT(resident_kib() - before, max_growth);
    EXPECT_EQ(cadre::sync_wait(cadre::on(clean, plus_one, 1)), 2);
    EXPECT_EQ(cadre::sync_wait(cadre::on(hostile, plus_one, 1)), 2);
}

}  // namespace
