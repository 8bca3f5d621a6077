// The link of the MPI executor. Its events answer on the thread that raises them, which has the turn.

#include "mpi/mpi_link.hpp"
#include "mpi/parameters.hpp"

#include <cadre/detail/base/byte_buffer.hpp>

#include <atomic>
#include <cstring>
#include <functional>
#include <utility>

namespace {

using cadre::detail::byte_buffer;
using cadre::detail::node::delivery;
using cadre::detail::node::node_id;
using cadre::detail::node::node_link;
using cadre::detail::node::node_link_events;
using cadre::detail::node::target;

byte_buffer body_of(std::size_t size) {
    byte_buffer body;
    body.resize_uninitialized(size);
    std::memset(body.data(), 'x', size);
    return body;
}

class handler final : public node_link_events {
public:
    node_link* link = nullptr;
    std::function<void(delivery)> on_message;
    std::atomic<bool> joined{false};
    std::atomic<bool> gone{false};

    void received(delivery message) noexcept override { on_message(std::move(message)); }
    void agent_joined(node_id, byte_buffer) noexcept override { set(joined); }
    void agent_gone(node_id) noexcept override {}
    void program_joined(byte_buffer) noexcept override {}
    void program_gone() noexcept override { set(gone); }
    void engine_gone(std::string) noexcept override {}
    void engine_back() noexcept override {}

    static void set(std::atomic<bool>& flag) {
        flag.store(true);
        flag.notify_all();
    }
};

// Runs `first` by hand and everything else in the events, until `each` returns false.
void run(handler& events, const std::function<void()>& first, std::function<bool(delivery)> each) {
    std::atomic<bool> done{false};
    events.on_message = [&done, each = std::move(each)](delivery m) {
        if (!each(std::move(m))) handler::set(done);
    };
    first();
    done.wait(false);
}

void measure(handler& events, node_link& link) {
    std::vector<double> samples;
    bench::clock::time_point begin;
    const auto ask = [&] {
        begin = bench::clock::now();
        link.publish(target::agent, 1, body_of(mpi_bench::small));
    };
    run(events, ask, [&](delivery) {
        samples.push_back(bench::seconds_since(begin) * 1e6);
        if (static_cast<int>(samples.size()) == mpi_bench::round_trips) return false;
        ask();
        return true;
    });
    mpi_bench::report_round_trips(samples);

    int started = 0;
    int ended = 0;
    begin = bench::clock::now();
    const auto work = [&] {
        link.publish(target::work, 0, body_of(mpi_bench::small));
        ++started;
    };
    run(
        events,
        [&] {
            // The events count on: all are started before the first answer is looked at.
            for (int i = 0; i < mpi_bench::in_flight; ++i)
                link.publish(target::work, 0, body_of(mpi_bench::small));
        },
        [&, initial = mpi_bench::in_flight](delivery) {
            if (started < mpi_bench::messages - initial) work();
            return ++ended < mpi_bench::messages;
        });
    mpi_bench::report_messages(bench::seconds_since(begin));

    int bodies = 0;
    std::vector<byte_buffer> ready;
    for (int i = 0; i < mpi_bench::large_bodies; ++i)
        ready.push_back(body_of(mpi_bench::large));
    begin = bench::clock::now();
    const auto send_large = [&] { link.publish(target::agent, 1, std::move(ready[static_cast<std::size_t>(bodies)])); };
    run(events, send_large, [&](delivery) {
        if (++bodies == mpi_bench::large_bodies) return false;
        send_large();
        return true;
    });
    mpi_bench::report_large(bench::seconds_since(begin));
}

}  // namespace

int main() {
    mpi_bench::start_jobs();
    const bool is_program = cadre::detail::mpi::mpi_rank_of_launcher() == 0;
    const auto link = cadre::detail::mpi::make_mpi_link({.program_serves = false});
    handler events;
    events.on_message = [&](delivery m) {
        link->publish(target::program, 0,
                      m.body.size() > mpi_bench::small ? body_of(mpi_bench::small) : std::move(m.body));
        link->acknowledge(m.tag);
    };
    byte_buffer hello = body_of(1);  // an empty one would say that nobody is served
    link->start(events, std::move(hello));
    if (is_program) {
        events.joined.wait(false);
        measure(events, *link);
    } else {
        link->set_credit(mpi_bench::in_flight);
        events.gone.wait(false);
    }
    link->stop(bench::clock::now() + std::chrono::seconds(10));
    if (!is_program) std::_Exit(0);
}
