/// @file
/// What programs on real engines do with shared objects: each kind of object is used by tasks of all hosts, and a task
/// takes everything before it is lost with its worker or its host.
#pragma once

#include <cadre/cadre.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace state_on_hosts {

/// One of each kind.
struct objects {
    cadre::shared_value<int> sum;
    cadre::shared_value<int> stock;
    cadre::async_mutex mutex;
    cadre::async_shared_mutex document;
    cadre::async_semaphore permits;
    cadre::async_condition_variable changed;
    cadre::async_event start;
    cadre::async_latch ready;
    cadre::async_barrier step;
    cadre::channel<int> messages;
};

[[nodiscard]] inline objects make_objects(const cadre::executor& ex, int tasks) {
    return {.sum = cadre::shared_value<int>(ex, 0),
            .stock = cadre::shared_value<int>(ex, 0),
            .mutex = cadre::async_mutex(ex),
            .document = cadre::async_shared_mutex(ex),
            .permits = cadre::async_semaphore(ex, 1),
            .changed = cadre::async_condition_variable(ex),
            .start = cadre::async_event(ex),
            .ready = cadre::async_latch(ex, tasks),
            .step = cadre::async_barrier(ex, tasks),
            .messages = cadre::channel<int>(ex, 2)};
}

inline constexpr int rounds = 10;

/// Uses all of them together with the other tasks. @return how often it found something wrong
inline cadre::task<int> use_all(objects of, int tasks, int number) {
    int wrong = 0;
    of.ready.count_down();
    co_await of.start.wait();
    for (int round = 0; round < rounds; ++round) {
        co_await of.sum.update([](int n) { return n + 1; });
        co_await of.step.arrive_and_wait();
        if (of.sum.load() != (round + 1) * tasks) ++wrong;
        co_await of.step.arrive_and_wait();
        {
            auto permit = co_await of.permits.acquire();
            auto alone = co_await of.mutex.lock();
            auto writer = co_await of.document.lock();
            if (alone.owner_died() || writer.owner_died()) ++wrong;
        }
        {
            auto reader = co_await of.document.lock_shared();
            if (reader.owner_died()) ++wrong;
        }
        {
            // One after the other, in the order of their numbers.
            auto guard = co_await of.stock.lock();
            co_await of.changed.wait(guard, [&guard, tasks, number] { return *guard % tasks == number; });
            *guard += 1;
        }
        of.changed.notify_all();
        co_await of.messages.send(round);
        const std::optional<int> received = co_await of.messages.receive();
        if (!received) ++wrong;
    }
    co_return wrong;
}

/// Tasks of all hosts and the program use all objects. @return the number of faults that they found
inline cadre::task<int> use_on_all_hosts(cadre::executor ex, int tasks) {
    const objects all = make_objects(ex, tasks);
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < tasks; ++i)
        jobs.push_back(cadre::spawn(ex, use_all, all, tasks, i));
    co_await all.ready.wait();
    all.start.set();
    int wrong = 0;
    for (auto& job : jobs)
        wrong += co_await job;
    if (all.stock.load() != rounds * tasks) ++wrong;
    if (all.messages.try_receive()) ++wrong;
    co_return wrong;
}

/// Takes every lock and permit, arrives at the barrier, sends the process that has them, and waits for a notification.
inline cadre::task<void> take_all(objects of, cadre::channel<int> taken) {
    auto value = co_await of.sum.lock();
    *value = 1;
    auto alone = co_await of.mutex.lock();
    auto writer = co_await of.document.lock();
    auto permit = co_await of.permits.acquire();
    static_cast<void>(of.step.arrive());
    co_await taken.send(cadre::this_worker::pid());
    auto guard = co_await of.stock.lock();
    co_await of.changed.wait(guard);
}

/// Whoever waits before the task is lost, and after. @return what is wrong; empty: nothing
inline cadre::task<std::string> find_all_again(objects of) {
    if (!(co_await of.mutex.lock()).owner_died()) co_return "the mutex does not report the death";
    if (!(co_await of.document.lock()).owner_died()) co_return "the shared mutex does not report the death";
    if (!(co_await of.sum.lock()).owner_died()) co_return "the value does not report the death";
    auto permit = co_await of.permits.acquire();
    co_await of.step.arrive_and_wait();
    {
        auto guard = co_await of.stock.lock();
        *guard += 1;
    }
    co_return "";
}

/// The only one that waits is notified: the lost task does not take the notification.
inline cadre::task<std::string> notify_the_other(objects of) {
    auto wait = [](objects o) -> cadre::task<int> {
        auto guard = co_await o.stock.lock();
        co_await o.changed.wait(guard, [&guard] { return *guard == 2; });
        co_return 0;
    };
    auto notify = [](objects o) -> cadre::task<int> {
        auto guard = co_await o.stock.lock();
        *guard = 2;
        o.changed.notify_one();
        co_return 0;
    };
    co_await cadre::when_all(wait(of), notify(of));
    co_return "";
}

}  // namespace state_on_hosts
