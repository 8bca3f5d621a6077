#include "process/parent/worker_connection.hpp"

#include <atomic>

namespace cadre::detail::process_parent {

namespace {

std::uint64_t next_serial() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

}  // namespace

worker_connection::worker_connection(std::uint32_t worker_index, std::uint64_t area_size, const std::string& on)
    : index(worker_index), host(on), serial(next_serial()), link(area_size) {}

void worker_connection::kill() noexcept {
    stage = worker_stage::dying;
    launcher->kill(os);
}

std::string worker_connection::title() const {
    return "worker " + std::to_string(index) + " (pid " + std::to_string(os.pid) + ")" +
           (host.empty() ? "" : " on " + host);
}

}  // namespace cadre::detail::process_parent
