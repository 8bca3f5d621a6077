#include "process/parent/worker_connection.hpp"

#include <atomic>

namespace cadre::detail::process_parent {

namespace {

std::uint64_t next_serial() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

// In nanoseconds: what it takes to wake a worker, and a handicap for one that may have to run an initializer first.
constexpr std::uint64_t wake_time = 15'000;
constexpr std::uint64_t start_time = 400'000;

}  // namespace

worker_connection::worker_connection(std::uint32_t worker_index, std::uint64_t area_size, const std::string& on)
    : index(worker_index), host(on), serial(next_serial()), link(area_size) {}

std::uint64_t worker_connection::load() const noexcept {
    if (stage == worker_stage::starting) return start_time + expected_time;
    return calls.empty() && link.asleep() ? wake_time : expected_time;
}

void worker_connection::kill() noexcept {
    stage = worker_stage::dying;
    launcher->kill(os);
}

std::string worker_connection::title() const {
    return "worker " + std::to_string(index) + " (pid " + std::to_string(os.pid) + ")" +
           (host.empty() ? "" : " on " + host);
}

}  // namespace cadre::detail::process_parent
