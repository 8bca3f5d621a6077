// A pthread mutex in memory that two processes share, robust as async_mutex is; std::shared_mutex between threads.

#include "locks/parameters.hpp"

#include <shared_mutex>
#include <thread>
#include <vector>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

struct shared {
    pthread_mutex_t mutex;
    std::uint64_t number;
};

void increment(shared& s, std::uint64_t times) {
    for (std::uint64_t i = 0; i != times; ++i) {
        ::pthread_mutex_lock(&s.mutex);
        *const_cast<volatile std::uint64_t*>(&s.number) = s.number + 1;
        ::pthread_mutex_unlock(&s.mutex);
    }
}

void in_processes(shared& s, unsigned processes, std::uint64_t times) {
    for (unsigned i = 0; i != processes; ++i)
        if (::fork() == 0) {
            increment(s, times);
            ::_exit(0);
        }
    for (unsigned i = 0; i != processes; ++i)
        ::wait(nullptr);
}

}  // namespace

int main() {
    auto& s = *static_cast<shared*>(
        ::mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    ::pthread_mutex_init(&s.mutex, &attributes);
    locks::measure("increments, one process", locks::increments, [&] { in_processes(s, 1, locks::increments); });
    locks::measure("increments, two processes", locks::increments, [&] { in_processes(s, 2, locks::increments / 2); });
    bench::require(s.number == 2 * locks::increments, "increments");

    for (const unsigned threads : bench::thread_counts) {
        std::shared_mutex m;
        volatile std::uint64_t number = 1;
        std::vector<std::thread> readers;
        locks::measure("readers, " + bench::threads_name(threads), threads * locks::reads, [&] {
            for (unsigned t = 0; t != threads; ++t)
                readers.emplace_back([&] {
                    std::uint64_t sum = 0;
                    for (std::uint64_t i = 0; i != locks::reads; ++i) {
                        const std::shared_lock hold(m);
                        sum += number;
                    }
                    bench::require(sum == locks::reads, "readers");
                });
            for (auto& t : readers)
                t.join();
        });
    }
    return 0;
}
