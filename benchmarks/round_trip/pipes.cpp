// Two processes and two pipes: the cost of a call without shared memory.

#include "round_trip/parameters.hpp"

#include <array>
#include <cstdlib>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

int main() {
    std::array<int, 2> there{};
    std::array<int, 2> back{};
    if (::pipe(there.data()) != 0 || ::pipe(back.data()) != 0) return 1;
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(there[1]);
        std::uint64_t x = 0;
        while (::read(there[0], &x, sizeof x) == sizeof x) {
            x = round_trip::square(x);
            if (::write(back[1], &x, sizeof x) != sizeof x) break;
        }
        ::_exit(0);
    }
    const auto one_call = [&](std::uint64_t x) {
        const auto begin = bench::clock::now();
        std::uint64_t answer = 0;
        if (::write(there[1], &x, sizeof x) != sizeof x || ::read(back[0], &answer, sizeof answer) != sizeof answer)
            std::abort();
        const double took = bench::seconds_since(begin) * 1e6;
        if (answer != x * x) std::abort();
        return took;
    };
    std::vector<double> hot;
    std::vector<double> cold;
    for (unsigned i = 0; i != round_trip::warm_up; ++i)
        (void)one_call(i);
    for (unsigned i = 0; i != round_trip::hot_calls; ++i)
        hot.push_back(one_call(i));
    for (unsigned i = 0; i != round_trip::cold_calls; ++i) {
        std::this_thread::sleep_for(round_trip::pause);
        cold.push_back(one_call(i));
    }
    round_trip::report(hot, cold);
    ::close(there[1]);
    ::waitpid(child, nullptr, 0);
    return 0;
}
