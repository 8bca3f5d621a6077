#include <cadre/detail/call/chunk_runner.hpp>

#include <cadre/this_worker.hpp>

namespace cadre::detail {

void encode_this_worker(encoder& out) {
    out.write_size(this_worker::index());
    out.write_size(static_cast<std::uint64_t>(this_worker::pid()));
}

std::string decode_worker(decoder& in) {
    const std::uint64_t index = in.read_size();
    const std::uint64_t pid = in.read_size();
    return "worker " + std::to_string(index) + " (pid " + std::to_string(pid) + ")";
}

}  // namespace cadre::detail
