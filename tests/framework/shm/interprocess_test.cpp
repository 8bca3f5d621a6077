// Why no lock and no heap of Boost.Interprocess is used in shared memory (docs/design/dependencies.md): neither
// recovers from the death of a process that uses it. If one of these tests fails, the decision can be reconsidered.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <new>
#include <thread>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/interprocess/anonymous_shared_memory.hpp>
#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/indexes/iset_index.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>
#include <boost/interprocess/mem_algo/rbtree_best_fit.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/interprocess_recursive_mutex.hpp>
#include <boost/interprocess/sync/mutex_family.hpp>
#include <cadre/detail/base/sanitizers.hpp>
#include <gtest/gtest.h>

namespace {

namespace ipc = boost::interprocess;
using namespace std::chrono_literals;

template <class F>
pid_t fork_child(F f) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        f();
        ::_exit(0);
    }
    return pid;
}

/// Whether the process ends by itself before the time is over. It is reaped in any case.
bool ends_within(pid_t pid, std::chrono::milliseconds time) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    bool ended = false;
    while (!(ended = ::waitpid(pid, nullptr, WNOHANG) == pid) && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(1ms);
    if (!ended) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    return ended;
}

/// interprocess_mutex whose owner is killed right after it has locked the mutex, if `armed`.
struct deadly_mutex : ipc::interprocess_mutex {
    static inline bool armed = false;
    void lock() {
        ipc::interprocess_mutex::lock();
        if (armed) ::kill(::getpid(), SIGKILL);
    }
};

struct deadly_family {
    using mutex_type = deadly_mutex;
    using recursive_mutex_type = ipc::interprocess_recursive_mutex;
};

using heap = ipc::basic_managed_external_buffer<char, ipc::rbtree_best_fit<deadly_family>, ipc::iset_index>;

/// Tries several times: the first attempt after a death may end in another way than the later ones. Depending on its
/// version the library times out or throws lock_exception (not recoverable).
bool can_lock(ipc::interprocess_mutex& mutex) {
    for (int i = 0; i != 3; ++i) {
        try {
            if (mutex.timed_lock(std::chrono::system_clock::now() + 30ms)) return true;
        } catch (const ipc::lock_exception&) {
        }
    }
    return false;
}

TEST(boost_interprocess, a_mutex_is_unusable_after_its_owner_was_killed) {
#if defined(CADRE_TSAN)
    GTEST_SKIP() << "a mutex whose owner was killed is what ThreadSanitizer reports";
#endif
    const ipc::mapped_region memory = ipc::anonymous_shared_memory(4096);
    auto& mutex = *new (memory.get_address()) ipc::interprocess_mutex;
    const pid_t owner = fork_child([&] {
        mutex.lock();
        ::kill(::getpid(), SIGKILL);
    });
    ASSERT_TRUE(ends_within(owner, 20s));
    EXPECT_FALSE(can_lock(mutex)) << "the mutex was recovered";
}

TEST(boost_interprocess, a_heap_is_unusable_after_a_process_was_killed_while_allocating) {
#if defined(CADRE_TSAN)
    GTEST_SKIP() << "a mutex whose owner was killed is what ThreadSanitizer reports";
#endif
    constexpr std::size_t size = 1 << 20;
    const ipc::mapped_region memory = ipc::anonymous_shared_memory(size);
    heap shared(ipc::create_only, memory.get_address(), size);
    ipc::mapped_region report = ipc::anonymous_shared_memory(4096);
    auto& allocations = *new (report.get_address()) std::atomic<int>(0);
    const auto allocate = [&] {
        for (int i = 0; i != 3; ++i) {
            try {
                if (shared.allocate(100, std::nothrow) != nullptr) ++allocations;
            } catch (const ipc::lock_exception&) {
            }
        }
    };

    ASSERT_TRUE(ends_within(fork_child(allocate), 20s));
    ASSERT_EQ(allocations, 3);
    ASSERT_TRUE(ends_within(fork_child([&] {
                                deadly_mutex::armed = true;
                                allocate();
                            }),
                            20s));
    static_cast<void>(ends_within(fork_child(allocate), 200ms));
    EXPECT_EQ(allocations, 3) << "the heap was recovered";
}

}  // namespace
