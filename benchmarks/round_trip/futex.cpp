// Two threads and two words: each side waits for its word in futex(2) and wakes the other one. The hot case spins on
// the words.

#include "round_trip/parameters.hpp"

#include <atomic>
#include <cstdlib>
#include <thread>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

using round_trip::cold_calls;
using round_trip::hot_calls;
using round_trip::warm_up;

class alignas(64) mailbox {
public:
    void put(std::uint64_t value, bool sleeps) {
        value_ = value;
        full_.store(1, std::memory_order_release);
        if (sleeps) ::syscall(SYS_futex, word(), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr, nullptr, 0);
    }
    std::uint64_t take(bool sleeps) {
        while (full_.load(std::memory_order_acquire) == 0)
            if (sleeps) ::syscall(SYS_futex, word(), FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, nullptr, nullptr, 0);
        full_.store(0, std::memory_order_relaxed);
        return value_;
    }

private:
    std::uint32_t* word() { return reinterpret_cast<std::uint32_t*>(&full_); }
    std::atomic<std::uint32_t> full_{0};
    std::uint64_t value_ = 0;
};

}  // namespace

int main() {
    static mailbox there;
    static mailbox back;
    std::thread worker([] {
        for (unsigned i = 0; i != warm_up + hot_calls + cold_calls; ++i) {
            const bool sleeps = i >= warm_up + hot_calls;
            back.put(round_trip::square(there.take(sleeps)), sleeps);
        }
    });
    const auto one_call = [](std::uint64_t x, bool sleeps) {
        const auto begin = bench::clock::now();
        there.put(x, sleeps);
        const std::uint64_t answer = back.take(sleeps);
        const double took = bench::seconds_since(begin) * 1e6;
        if (answer != x * x) std::abort();
        return took;
    };
    std::vector<double> hot;
    std::vector<double> cold;
    for (unsigned i = 0; i != warm_up; ++i)
        (void)one_call(i, false);
    for (unsigned i = 0; i != hot_calls; ++i)
        hot.push_back(one_call(i, false));
    for (unsigned i = 0; i != cold_calls; ++i) {
        std::this_thread::sleep_for(round_trip::pause);
        cold.push_back(one_call(i, true));
    }
    worker.join();
    round_trip::report(hot, cold);
    return 0;
}
