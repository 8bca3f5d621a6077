#include <cadre/detail/call/chunk_runner.hpp>

#include <cadre/this_worker.hpp>

#include <string_view>

namespace cadre::detail {

void encode_this_worker(encoder& out) {
    out.write_size(this_worker::index());
    out.write_size(static_cast<std::uint64_t>(this_worker::pid()));
    const std::string_view host = this_worker::detail::process_worker_host();
    out.write_size(host.size());
    out.write(host.data(), host.size());
}

std::string decode_worker(decoder& in) {
    const std::uint64_t index = in.read_size();
    const std::uint64_t pid = in.read_size();
    std::string text = "worker " + std::to_string(index) + " (pid " + std::to_string(pid) + ")";
    if (const std::size_t size = in.read_count(1); size != 0)
        text.append(" on ").append(reinterpret_cast<const char*>(in.read(size)), size);
    return text;
}

}  // namespace cadre::detail
