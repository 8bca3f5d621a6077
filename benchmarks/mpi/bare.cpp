// MPI alone, polled as the link does it: the same functions of the same library, without threads, queues and bodies
// that own memory.

#include "mpi/parameters.hpp"
#include "mpi/plugin_loader.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <thread>

#include <sys/prctl.h>

namespace {

using namespace std::chrono_literals;
using bench::clock;

const cadre_mpi_functions* mpi = nullptr;
int other = 0;
clock::time_point last = clock::now();

void pause() {
    const auto idle = clock::now() - last;
    if (idle > 20us) std::this_thread::sleep_for(std::min<clock::duration>(idle / 10, 1ms));
}

struct open_send {
    std::uint64_t request;
};
std::deque<open_send> sends;

void end_sends() {
    int done = 1;
    while (!sends.empty() && done != 0) {
        mpi->test(&sends.front().request, &done);
        if (done != 0) sends.pop_front();
    }
}

void send(const void* bytes, std::size_t count) {
    open_send s{};
    mpi->isend(bytes, static_cast<int>(count), other, 1, &s.request);
    int done = 0;
    mpi->test(&s.request, &done);
    if (done == 0) sends.push_back(s);
}

// Waits for a message, and receives it.
std::size_t receive(std::vector<char>& into) {
    int arrived = 0;
    int from = 0;
    int tag = 0;
    int count = 0;
    for (;;) {
        mpi->iprobe(&arrived, &from, &tag, &count);
        if (arrived != 0) break;
        end_sends();
        pause();
    }
    mpi->recv(into.data(), count, from, tag);
    last = clock::now();
    return static_cast<std::size_t>(count);
}

void ask(std::vector<char>& buffer) {
    std::vector<double> samples;
    const std::vector<char> message(mpi_bench::small, 'x');
    for (int i = 0; i < mpi_bench::round_trips; ++i) {
        const auto begin = clock::now();
        send(message.data(), message.size());
        receive(buffer);
        samples.push_back(bench::seconds_since(begin) * 1e6);
    }
    mpi_bench::report_round_trips(samples);

    auto begin = clock::now();
    int started = 0;
    for (; started < mpi_bench::in_flight; ++started)
        send(message.data(), message.size());
    for (int ended = 0; ended < mpi_bench::messages; ++ended) {
        receive(buffer);
        if (started < mpi_bench::messages) {
            send(message.data(), message.size());
            ++started;
        }
    }
    mpi_bench::report_messages(bench::seconds_since(begin));

    const std::vector<char> body(mpi_bench::large, 'y');
    begin = clock::now();
    for (int i = 0; i < mpi_bench::large_bodies; ++i) {
        send(body.data(), body.size());
        receive(buffer);
    }
    mpi_bench::report_large(bench::seconds_since(begin));
    send(message.data(), 0);
    while (!sends.empty())
        end_sends();
}

// Small messages go back; a large one is answered by a small one; an empty one ends it.
void answer(std::vector<char>& buffer) {
    const std::vector<char> message(mpi_bench::small, 'x');
    while (const std::size_t size = receive(buffer))
        send(message.data(), std::min(size, message.size()));
    while (!sends.empty())
        end_sends();
}

}  // namespace

int main() {
    mpi_bench::start_jobs();
    mpi = &cadre::detail::mpi::load_plugin();
    bench::require(mpi->init() == 0, "MPI_Init");
    other = 1 - mpi->rank();
    ::prctl(PR_SET_TIMERSLACK, 1);  // as the link
    std::vector<char> buffer(mpi_bench::large, 'z');
    if (mpi->rank() == 0)
        ask(buffer);
    else
        answer(buffer);
    mpi->finalize();
    if (other == 0) std::_Exit(0);
}
