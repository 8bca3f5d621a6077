/// @file
/// The functions and values that the conformance tests send to executors.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <sys/types.h>

#include <cadre/channel.hpp>
#include <cadre/executor.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/register_exception.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/task.hpp>
#include <cadre/this_task.hpp>
#include <cadre/this_worker.hpp>

namespace cadre::conformance {

/// Longer than any test takes: a task that sleeps so long waits to be stopped.
inline constexpr std::chrono::hours forever{1};

namespace work {

// Values.

inline std::uint64_t square(std::uint64_t x) { return x * x; }
inline int add(int a, int b) { return a + b; }
inline void nothing() {}
inline std::string repeat(std::string s, int n) {
    std::string all;
    for (int i = 0; i < n; ++i)
        all += s;
    return all;
}
inline std::size_t length(const std::string& s) { return s.size(); }

struct node {
    int value = 0;
    std::vector<node> children;
    bool operator==(const node&) const = default;
};
struct record {
    std::string name;
    std::optional<double> weight;
    std::map<std::string, std::vector<int>> lists;
    std::variant<int, std::string> either;
    std::chrono::milliseconds time{0};
    node tree;
    bool operator==(const record&) const = default;
};
inline record same(record r) { return r; }
inline std::vector<std::uint8_t> reversed(std::vector<std::uint8_t> bytes) {
    return std::vector<std::uint8_t>(bytes.rbegin(), bytes.rend());
}
inline std::unique_ptr<int> next(std::unique_ptr<int> p) { return std::make_unique<int>(*p + 1); }

/// A portable callable with state: an aggregate with `operator()`.
struct scaled {
    int factor = 1;
    int operator()(int x) const { return factor * x; }
};

// Coroutine functions.

inline task<int> add_later(int a, int b) {
    co_await yield();
    co_return a + b;
}
/// Requires that the argument lives as long as the coroutine, which holds only a reference.
inline task<std::size_t> length_later(const std::string& s) {
    co_await yield();
    co_await sleep_for(std::chrono::milliseconds(1));
    co_return s.size();
}
inline task<std::unique_ptr<int>> next_later(std::unique_ptr<int> p) {
    co_await yield();
    co_return std::make_unique<int>(*p + 1);
}
inline task<> nothing_later() { co_await yield(); }

// Errors.

/// Arrives with its member because it is registered below, at program start.
struct numbered_error : std::runtime_error {
    using std::runtime_error::runtime_error;
    int number = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(number);
    }
};
inline const bool numbered_error_is_registered = (register_exception<numbered_error>(), true);

/// Not registered: the receiver cannot rebuild it.
struct private_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline int fail_out_of_range(std::string text) { throw std::out_of_range(text); }
inline int fail_system() { throw std::system_error(std::make_error_code(std::errc::no_such_device), "drive"); }
inline int fail_numbered(int number) {
    numbered_error e("numbered");
    e.number = number;
    throw e;
}
inline int fail_private() { throw private_error("not registered"); }
inline int fail_oddly() { throw 42; }
inline task<int> fail_later(std::string text) {
    co_await yield();
    throw std::invalid_argument(text);
}

// Identity.

inline pid_t process() { return this_worker::pid(); }
inline std::thread::id thread() { return std::this_thread::get_id(); }
inline task<executor> my_executor() { co_return co_await this_task::executor(); }
inline task<std::string> my_name() { co_return co_await this_task::name(); }
inline task<std::uint64_t> my_id() { co_return co_await this_task::id(); }
inline std::pair<std::size_t, std::size_t> my_worker() { return {this_worker::index(), this_worker::count()}; }

// Waiting.

inline task<int> sleep_forever() {
    co_await sleep_for(forever);
    co_return 0;
}
/// Reports that it has started, sleeps until it is stopped and reports that.
inline task<int> sleep_until_stopped(channel<std::string> events) {
    co_await events.send("started");
    try {
        co_await sleep_for(forever);
    } catch (const cancelled&) {
        (void)events.try_send("stopped");
        throw;
    }
    co_return 0;
}
/// Computes until stop is requested.
inline std::string compute_until_stopped(channel<std::string> events) {
    (void)events.try_send("started");
    while (!stop_requested())
        std::this_thread::yield();
    (void)events.try_send("stopped");
    return "asked to stop";
}
inline task<> pass_on(channel<int> results, int x) { co_await results.send(x); }
/// Reports its arrival and waits at the gate.
inline task<int> pass_gate(channel<int> arrivals, channel<int> gate, int me) {
    co_await arrivals.send(me);
    const std::optional<int> let = co_await gate.receive();
    co_return let.value_or(-1000) + me;
}

}  // namespace work

/// Whether an await of the job is a `std::logic_error`.
inline task<bool> await_is_refused(const job<int>& j) {
    try {
        (void)co_await j;
    } catch (const std::logic_error&) {
        co_return true;
    }
    co_return false;
}

}  // namespace cadre::conformance
