#include "load.hpp"

#include <cadre/async_mutex.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/sleep.hpp>
#include <cadre/this_task.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

#include <chrono>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace cadre::soak {
namespace {

using namespace std::chrono_literals;

// The functions that the workers run.

int twice(int x) { return 2 * x; }
std::string repeat(std::string s, int times) {
    std::string all;
    for (int i = 0; i < times; ++i)
        all += s;
    return all;
}
task<int> nap(int x) {
    co_await sleep_for(1ms);
    co_return x;
}
task<int> nested(int x) {
    const executor ex = co_await this_task::executor();
    auto [a, b] = co_await when_all(on(ex, twice, x), on(ex, nap, x));
    co_return a + b;
}
int complain(int x) { throw std::out_of_range("item " + std::to_string(x)); }
int endless(int) {
    for (;;)
        asm volatile("");
    return 0;
}
task<int> produce(channel<std::string> to, int count) {
    for (int i = 0; i < count; ++i)
        co_await to.send(std::string(static_cast<std::size_t>(i) * 1000, 'c'));
    co_return count;
}
task<int> count_up(async_mutex mutex, shared_value<int> value, int times) {
    for (int i = 0; i < times; ++i) {
        auto guard = co_await mutex.lock();
        value.store(value.load() + 1);
    }
    co_return times;
}

// The rounds of calls of these functions. Each returns whether the result is right.

task<bool> call(executor ex, int i) { co_return co_await on(ex, twice, i) == 2 * i; }
task<bool> suspended_call(executor ex, int i) { co_return co_await on(ex, nap, i) == i; }
task<bool> nested_calls(executor ex, int i) { co_return co_await on(ex, nested, i) == 3 * i; }
task<bool> large_values(executor ex, int i) {
    const std::string part(1000 + static_cast<std::size_t>(i % 7) * 10'000, static_cast<char>('a' + i % 26));
    const std::string all = co_await on(ex, repeat, part, i % 30);
    co_return all == repeat(part, i % 30);
}
task<bool> error_of_a_task(executor ex, int i) {
    try {
        (void)co_await on(ex, complain, i);
    } catch (const std::out_of_range& e) {
        co_return e.what() == "item " + std::to_string(i);
    }
    co_return false;
}
task<bool> chunks(executor ex, int i) {
    std::vector<int> items(200);
    std::iota(items.begin(), items.end(), i);
    const std::vector<int> results = co_await map(ex, twice, items);
    for (std::size_t k = 0; k < items.size(); ++k)
        if (results.at(k) != 2 * items[k]) co_return false;
    co_return results.size() == items.size();
}
task<bool> limit_of_a_call(executor ex, int i) {
    try {
        (void)co_await on(ex.with({.timeout = 20ms}), endless, i);
    } catch (const timed_out&) {
        co_return true;
    }
    co_return false;
}
task<bool> killed_job(executor ex, int i) {
    auto j = spawn(ex, endless, i);
    co_await sleep_for(std::chrono::milliseconds(i % 5));
    j.kill();
    try {
        (void)co_await j;
    } catch (const task_killed& e) {
        co_return e.reason() == kill_reason::requested;
    } catch (const cancelled&) {  // it had not begun
        co_return true;
    }
    co_return false;
}
task<bool> dropped_job(executor ex, int i) {
    {
        const auto dropped = spawn(ex, nap, i);
    }
    co_return true;
}
task<int> consume(channel<std::string> from, bool& right) {
    int count = 0;
    while (auto text = co_await from.receive())
        right = right && text->size() == static_cast<std::size_t>(count++) * 1000;
    co_return count;
}
task<bool> channel_from_a_worker(executor ex, int i) {
    const channel<std::string> lines{ex, 4};
    bool right = true;
    auto [sent, received] = co_await when_all(lines.close_after(on(ex, produce, lines, i % 20)), consume(lines, right));
    co_return right&& sent == received&& sent == i % 20;
}
task<bool> lock_between_workers(executor ex, int) {
    const async_mutex mutex{ex};
    const shared_value<int> value{ex, 0};
    auto [a, b] = co_await when_all(on(ex, count_up, mutex, value, 20), on(ex, count_up, mutex, value, 20));
    co_return a + b == 40 && value.load() == 40;
}

struct kind_of_call {
    const char* name;
    task<bool> (*run)(executor, int);
    bool repeatable = false;  // may run twice
};
constexpr kind_of_call kinds[] = {
    {"a call", call, true},
    {"a suspended call", suspended_call, true},
    {"nested calls", nested_calls, true},
    {"large values", large_values, true},
    {"an error of a task", error_of_a_task, true},
    {"a map in chunks", chunks, true},
    {"the limit of a call", limit_of_a_call},
    {"a killed job", killed_job},
    {"a dropped job", dropped_job},
    {"a channel from a worker", channel_from_a_worker},
    {"a lock between workers", lock_between_workers},
};

task<void> record(executor ex, ledger& book, const kind_of_call& kind, int i) {
    const std::size_t entry = book.open(kind.name);
    if (kind.repeatable && i % 2 == 0) ex = ex.with({.retries = 2});
    try {
        if (co_await kind.run(ex, i))
            book.end_rightly(entry);
        else
            book.end_wrongly(entry, "a wrong result");
    } catch (...) {
        book.end_with(entry, std::current_exception());
    }
}

}  // namespace

task<void> run_round(executor ex, ledger& book, int round) {
    constexpr int calls = 64;
    std::vector<task<void>> all;
    for (int i = round * calls; i < (round + 1) * calls; ++i) {
        // Endless tasks are rare: each takes a worker for a while.
        std::size_t k = static_cast<std::size_t>(i) % std::size(kinds);
        if ((kinds[k].run == limit_of_a_call || kinds[k].run == killed_job) && i % 5 != 0) k = 0;
        all.push_back(record(ex, book, kinds[k], i));
    }
    co_await when_all(std::move(all));
}

}  // namespace cadre::soak
