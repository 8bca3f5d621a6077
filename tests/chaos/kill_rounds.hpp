/// @file
/// Rounds in which tasks on three workers share an object, and one of the workers is killed at a random instant. A
/// hundred as a test, a thousand under `./run tests --soak`.
#pragma once

#include <cadre/as_outcome.hpp>
#include <cadre/async_event.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/process.hpp>
#include <cadre/job.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/timeout.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "executors/process/guard.hpp"
#include "soak/full.hpp"
#include "soak/remains.hpp"

namespace cadre::chaos_tests {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using numbers = shared_array<std::uint64_t>;

/// The limit of a wait that the death of a process may prolong by up to a second.
inline constexpr std::chrono::seconds within_a_second{2};

/// Waits until all tasks of a round are there, and runs one of them.
template <class... Args>
task<void> run_together(numbers arrived, async_event all_there, task<void> (*f)(Args...), Args... args) {
    arrived.atomic(0).fetch_add(1);
    co_await all_there.wait();
    co_await f(std::move(args)...);
}

/// The tasks of one round.
class kill_round {
public:
    kill_round(executor on, std::mt19937& random, std::chrono::microseconds usual)
        : ex(std::move(on)), victim(ex, 1), random_(random), usual_(usual), arrived_(ex, 1), all_there_(ex) {}

    const executor ex;
    /// The process that is killed; 0 before it is chosen.
    const numbers victim;

    template <class... Parameters, class... Args>
    void start(task<void> (*f)(Parameters...), Args... args) {
        jobs_.push_back(
            spawn(ex, run_together<Parameters...>, arrived_, all_there_, f, Parameters(std::move(args))...));
        ends_.push_back(end::none);
    }
    /// Lets the tasks begin together, waits for a random part of a usual round, and kills a worker.
    task<void> strike() {
        while (arrived_.atomic(0).load() < jobs_.size())
            co_await sleep_for(50us);
        begin_ = clock::now();
        all_there_.set();
        co_await sleep_for(std::chrono::microseconds(random_() % static_cast<std::uint64_t>(usual_.count())));
        const executor_stats now = ex.stats();
        const pid_t pid = now.per_worker[random_() % now.per_worker.size()].pid;
        if (pid <= 0) co_return;
        victim.atomic(0).store(static_cast<std::uint64_t>(pid));
        ::kill(pid, SIGKILL);
    }
    /// Waits until the tasks from `first` to before `last` have ended, each normally or with its worker.
    task<void> finish(std::size_t first, std::size_t last) {
        for (std::size_t i = first; i != last; ++i)
            co_await finish(i);
    }
    task<void> finish() { co_await finish(0, jobs_.size()); }
    /// Takes note of the tasks that have ended. @return whether all have
    task<bool> look() {
        bool all = true;
        for (std::size_t i = 0; i != jobs_.size(); ++i)
            if (ends_[i] == end::none && !jobs_[i].ready())
                all = false;
            else
                co_await finish(i);
        co_return all;
    }
    [[nodiscard]] bool died(std::size_t i) const noexcept { return ends_[i] == end::with_its_worker; }
    [[nodiscard]] bool ended(std::size_t i) const noexcept { return ends_[i] != end::none; }
    [[nodiscard]] std::size_t deaths(std::size_t first, std::size_t last) const {
        return static_cast<std::size_t>(std::count(ends_.begin() + static_cast<std::ptrdiff_t>(first),
                                                   ends_.begin() + static_cast<std::ptrdiff_t>(last),
                                                   end::with_its_worker));
    }
    [[nodiscard]] std::size_t deaths() const { return deaths(0, ends_.size()); }
    /// From the begin of the tasks to the end of the last one.
    [[nodiscard]] std::chrono::microseconds duration() const noexcept {
        return std::chrono::duration_cast<std::chrono::microseconds>(end_ - begin_);
    }

private:
    enum class end : std::uint8_t { none, in_order, with_its_worker };

    task<void> finish(std::size_t i) {
        if (ends_[i] != end::none) co_return;
        const outcome<void> o = co_await as_outcome(std::move(jobs_[i]));
        ends_[i] = o ? end::in_order : end::with_its_worker;
        end_ = clock::now();
        if (o) co_return;
        try {
            std::rethrow_exception(o.error());
        } catch (const worker_error&) {
        } catch (...) {
            ADD_FAILURE() << "task " << i << ": " << o.what();
        }
    }

    std::mt19937& random_;
    std::chrono::microseconds usual_;
    numbers arrived_;
    async_event all_there_;
    clock::time_point begin_{};
    clock::time_point end_{};
    std::vector<job<void>> jobs_;
    std::vector<end> ends_;
};

class kill_rounds : public ::testing::Test {
protected:
    /// Plays all rounds with `round`, a coroutine function of a `kill_round&`, and checks that nothing is held
    /// afterwards.
    template <class Round>
    void play(Round round) {
        sync_wait(three_workers());
        const soak::remains before = soak::count_remains();
        const int rounds = soak::part_or_all(100, 1000);
        int struck = 0;
        std::chrono::microseconds usual{2000};
        for (int i = 0; i != rounds && !HasFailure(); ++i) {
            SCOPED_TRACE("round " + std::to_string(i));
            {
                kill_round r(ex_, random_, usual);
                sync_wait(round(r));
                struck += r.deaths() != 0 ? 1 : 0;
                usual = std::clamp((usual * 3 + r.duration()) / 4, 100us, 20'000us);
            }
            sync_wait(three_workers());
        }
        std::cout << rounds << " rounds, in " << struck << " of them tasks died\n";
        EXPECT_GT(struck, rounds / 10);
        soak::remains now;
        const auto limit = clock::now() + 20s;
        do {
            now = soak::count_remains();
        } while ((now.blocks > before.blocks || now.objects > before.objects || now.descriptors > before.descriptors) &&
                 clock::now() < limit && (std::this_thread::sleep_for(10ms), true));
        EXPECT_LE(now.descriptors, before.descriptors);
        EXPECT_LE(now.blocks, before.blocks);
        EXPECT_LE(now.objects, before.objects);
    }

private:
    /// Waits until the killed worker has been replaced.
    task<void> three_workers() {
        for (;;) {
            const executor_stats now = ex_.stats();
            const auto ready = [](const worker_stats& w) {
                return w.pid > 0 && (w.state == worker_activity::idle || w.state == worker_activity::busy ||
                                     w.state == worker_activity::waiting);
            };
            if (now.per_worker.size() == 3 && std::ranges::all_of(now.per_worker, ready)) co_return;
            co_await sleep_for(200us);
        }
    }

    const process_tests::hang_guard guard_{280s};
    const executor ex_ = process_executor{{.workers = 3}};
    std::mt19937 random_{20};
};

/// Flags of tasks that are inside of something, each with its process.
struct insiders {
    numbers flags;  ///< 2 i: whether task `i` is inside; 2 i + 1: its process
    numbers victim;

    void enter(std::size_t i) const { flags.atomic(2 * i).store(1); }
    void leave(std::size_t i) const { flags.atomic(2 * i).store(0); }
    void begin(std::size_t i) const { flags.atomic(2 * i + 1).store(static_cast<std::uint64_t>(::getpid())); }
    /// How many of the tasks from `first` to before `last` are inside, without those of the process that is killed.
    [[nodiscard]] std::size_t count(std::size_t first, std::size_t last) const {
        std::size_t n = 0;
        for (std::size_t i = first; i != last; ++i)
            n += flags.atomic(2 * i).load() == 1 && flags.atomic(2 * i + 1).load() != victim.atomic(0).load() ? 1 : 0;
        return n;
    }
};

}  // namespace cadre::chaos_tests
