#include "runtime/observation.hpp"

#include "scheduler/backend_list.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <utility>

#include <unistd.h>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail::observation {

namespace {

worker describe(worker_stats&& w) {
    worker seen{.index = w.index,
                .pid = w.pid,
                .state = static_cast<std::uint8_t>(w.state),
                .calls = w.calls,
                .memory = w.memory,
                .peak_memory = w.peak_memory};
    if (w.running) {
        seen.task_id = w.running->id;
        seen.task_name = std::move(w.running->name);
        if (w.running->since.time_since_epoch().count() != 0)
            seen.running_for = std::max<std::int64_t>((std::chrono::steady_clock::now() - w.running->since).count(), 0);
    }
    return seen;
}

executor describe(const executor_backend& backend) {
    executor_stats s = backend.stats();
    executor seen{.name = backend.name(),
                  .kind = to_string(backend.kind()),
                  .done = s.done,
                  .running = s.running,
                  .queued = s.queued,
                  .failed = s.failed,
                  .retried = s.retried,
                  .restarts = s.restarts,
                  .workers = s.workers};
    seen.round_trips.assign(s.round_trips.buckets.begin(), s.round_trips.buckets.end());
    for (worker_stats& w : s.per_worker)
        seen.per_worker.push_back(describe(std::move(w)));
    return seen;
}

}  // namespace

program observe() {
    program seen{.pid = ::getpid(),
                 .name = program_invocation_short_name,
                 .time = std::chrono::steady_clock::now().time_since_epoch().count()};
    for (const auto& backend : all_backends()) {
        if (backend->kind() == executor_kind::serial && backend->registry().entered() == 0)
            continue;  // a loop that waits inside of the library, or has had no work
        seen.executors.push_back(describe(*backend));
    }
    return seen;
}

byte_buffer encode(const program& p) {
    byte_buffer bytes;
    encoder out(bytes);
    detail::encode(out, p);
    return bytes;
}

program decode(std::span<const std::byte> bytes) {
    codec_context context;
    decoder in(bytes, &context);
    program p = detail::decode<program>(in);
    for (const executor& e : p.executors)
        if (e.round_trips.size() != duration_histogram::bucket_count)
            throw std::runtime_error("a histogram of another size");
    return p;
}

}  // namespace cadre::detail::observation
