// Two bare processes: a word in shared memory, an eventfd each way, and epoll.

#include "wake/parameters.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

namespace {

class bell {
public:
    bell() : event_(::eventfd(0, EFD_CLOEXEC)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        epoll_event e{};
        e.events = EPOLLIN | EPOLLET;  // never read
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &e);
    }
    void ring() const {
        const std::uint64_t one = 1;
        if (::write(event_, &one, sizeof one) != sizeof one) std::abort();
    }
    void wait() const {
        epoll_event e{};
        ::epoll_wait(epoll_, &e, 1, -1);
    }

private:
    int event_;
    int epoll_;
};

struct shared {
    std::atomic<std::uint64_t> asked{0};
    std::atomic<std::uint64_t> answered{0};
    std::uint64_t value = 0;
};

}  // namespace

int main() {
    void* const memory = ::mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto& s = *new (memory) shared;
    const bell there;
    const bell back;
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (std::uint64_t n = 1;; ++n) {
            while (s.asked.load(std::memory_order_acquire) < n)
                there.wait();
            s.value = wake::square(s.value);
            s.answered.store(n, std::memory_order_release);
            back.ring();
        }
    }
    std::uint64_t n = 0;
    const auto one_call = [&](std::uint64_t x) {
        const auto begin = bench::clock::now();
        s.value = x;
        s.asked.store(++n, std::memory_order_release);
        there.ring();
        while (s.answered.load(std::memory_order_acquire) < n)
            back.wait();
        const double took = bench::seconds_since(begin) * 1e6;
        if (s.value != x * x) std::abort();
        return took;
    };
    const auto after_computing = [&](int us, const std::string& name) {
        std::vector<double> took;
        const long before = wake::sleeps_of(::getpid()) + wake::sleeps_of(child);
        for (unsigned i = 0; i != wake::calls; ++i) {
            wake::compute(std::chrono::microseconds(us));
            took.push_back(one_call(i));
        }
        const long after = wake::sleeps_of(::getpid()) + wake::sleeps_of(child);
        wake::report(name, took);
        bench::report(name + ", sleeps", static_cast<double>(after - before) / wake::calls, "a call");
    };
    for (const int us : wake::computing_us)
        after_computing(us, "after " + std::to_string(us) + " us");
    std::vector<double> took;
    for (unsigned i = 0; i != wake::calls_after_sleep; ++i) {
        std::this_thread::sleep_for(wake::pause);
        took.push_back(one_call(i));
    }
    wake::report("after 3 ms asleep", took);
    for (unsigned k = 1; k <= 2; ++k) {
        const wake::busy_neighbours others(k);
        after_computing(0, std::to_string(k) + (k == 1 ? " busy neighbour" : " busy neighbours"));
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return 0;
}
