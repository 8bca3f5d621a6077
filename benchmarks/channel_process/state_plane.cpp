// Messages a second between two processes through the state plane's queue, with try_send and try_receive.
//
//     channel_process_state_plane [messages]

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cadre/detail/codec_stream.hpp>
#include <cadre/detail/memory_domain.hpp>

#include "../../framework/src/shm/state_plane.hpp"

namespace {

using namespace cadre::detail;

void pause_briefly() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

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
            const auto joined = shm::state_plane::join(plane.descriptors(), *id);
            decoder d(handle.span());
            const auto out = joined->domain().take_channel(d);
            const std::vector<std::byte> message(size, std::byte{1});
            for (std::uint64_t i = 0; i != count / senders; ++i)
                while (out->try_send(message) != attempt::done) pause_briefly();
            ::_exit(0);
        }
        children.emplace_back(pid, *id);
    }
    byte_buffer b;
    for (std::uint64_t i = 0; i != count / senders * senders; ++i)
        while (channel->try_receive(b) != attempt::done) pause_briefly();
    if (b.size() != size) std::abort();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    for (const auto& [pid, id] : children) {
        int status = 0;
        ::waitpid(pid, &status, 0);
        plane.bury(id);
    }
    return static_cast<double>(count) / took.count();
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t messages = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 5'000'000;
    const auto plane = shm::state_plane::make({.slots = 8, .arena_size = 1ull << 30});
    std::printf("%-10s %-10s %-8s %14s %12s\n", "bytes", "capacity", "senders", "messages/s", "MB/s");
    struct row {
        std::size_t size, capacity;
        std::uint64_t count;
        unsigned senders;
    };
    for (const row r : {row{8, 1024, messages, 1}, row{8, 16, messages, 1}, row{8, 1000, messages, 1},
                        row{8, 1024, messages, 2}, row{48, 1024, messages, 1}, row{256, 1024, messages / 5, 1},
                        row{1 << 20, 16, messages / 2000, 1}}) {
        const double rate = measure(*plane, r.capacity, r.size, r.count, r.senders);
        std::printf("%-10zu %-10zu %-8u %14.0f %12.0f\n", r.size, r.capacity, r.senders, rate,
                    rate * static_cast<double>(r.size) / 1e6);
    }
    return 0;
}
