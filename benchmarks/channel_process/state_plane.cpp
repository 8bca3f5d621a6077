// Messages a second between two processes through the state plane's queue, with try_send and try_receive.
//
//     channel_process_state_plane [messages]

#include "channel_process/parameters.hpp"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/state/memory_domain.hpp>

#include "shm/state_plane.hpp"

namespace {

using namespace cadre::detail;

/// Polls again soon, but yields when the other side does not seem to be running.
class backoff {
public:
    void wait() noexcept {
        if (++tries_ % 64 == 0) ::sched_yield();
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }

private:
    unsigned tries_ = 0;
};

/// One process sends `count` messages of `size` bytes, this one receives them. @return messages a second
double measure(shm::state_plane& plane, std::size_t capacity, std::size_t size, std::uint64_t count, unsigned senders) {
    const auto channel = plane.domain().make_channel(capacity);
    codec_context context;
    byte_buffer handle;
    encoder e(handle, &context);
    channel->encode(e);
    std::vector<std::pair<pid_t, shm::process_id>> children;
    const auto begin = std::chrono::steady_clock::now();
    for (unsigned s = 0; s != senders; ++s) {
        const auto id = plane.claim_slot();
        const pid_t pid = ::fork();
        if (pid == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const auto joined = shm::state_plane::join(plane.invite(*id));
            decoder d(handle.span());
            const auto out = joined->domain().take_channel(d);
            const std::vector<std::byte> message(size, std::byte{1});
            for (std::uint64_t i = 0; i != count / senders; ++i)
                for (backoff p; out->try_send(message) != op_status::done;)
                    p.wait();
            ::_exit(0);
        }
        children.emplace_back(pid, *id);
    }
    byte_buffer b;
    for (std::uint64_t i = 0; i != count / senders * senders; ++i)
        for (backoff p; channel->try_receive(b) != op_status::done;)
            p.wait();
    if (b.size() != size) std::abort();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    for (const auto& [pid, id] : children) {
        int status = 0;
        ::waitpid(pid, &status, 0);
        plane.recover(id);
    }
    return static_cast<double>(count) / took.count();
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t messages = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : channel_process::items;
    const auto plane = shm::state_plane::make({.slots = 8, .arena_size = 1ull << 30});
    struct row {
        const char* name;
        std::size_t size, capacity;
        std::uint64_t count;
        unsigned senders;
    };
    for (const row r : {row{"try: 8 bytes", 8, channel_process::capacity, messages, 1},
                        row{"try: 8 bytes, capacity 16", 8, 16, messages, 1},
                        row{"try: 8 bytes, 2 senders", 8, channel_process::capacity, messages, 2},
                        row{"try: 256 bytes", 256, channel_process::capacity, messages / 5, 1},
                        row{"try: 1 MiB, capacity 16", 1 << 20, 16, messages / 500, 1}})
        bench::report(r.name, measure(*plane, r.capacity, r.size, r.count, r.senders), "items/s");
    return 0;
}
