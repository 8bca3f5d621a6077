// The caller on one core and the worker on another: the cost of a call when the scheduler has placed both well.

#include "round_trip/cadre.hpp"

#include <pthread.h>
#include <sched.h>

int main() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    ::sched_getaffinity(0, sizeof allowed, &allowed);
    std::vector<int> cores;
    for (int cpu = 0; cpu != CPU_SETSIZE && cores.size() < 2; ++cpu)
        if (CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) cores.push_back(cpu);
    if (cores.size() < 2) return 0;  // nothing to compare

    cadre::config config{.executor = "pinned"};
    config.executors["pinned"] = {.kind = "process",
                                  .options = {{"workers", 1}, {"affinity", std::vector<int>{cores[1]}}}};
    cadre::runtime rt(config);
    const cadre::executor ex = rt.executor();  // before this thread gives up the other core
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(static_cast<std::size_t>(cores[0]), &here);
    ::pthread_setaffinity_np(::pthread_self(), sizeof here, &here);
    return rt.run(round_trip::run(ex));
}
