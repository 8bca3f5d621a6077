#include "process/os/launch_protocol.hpp"

#include "process/os/crash_modules.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <sched.h>
#include <unistd.h>

namespace cadre::detail::process_os {
namespace {

struct launch_header {
    message_kind kind = message_kind::launch;
    std::uint32_t slot = 0;
    std::uint64_t generation = 0;
    std::uint64_t memory_limit = 0;
    std::uint64_t crash_offset = 0;
    std::uint64_t main_offset = 0;  // from the load base, which differs between processes; 0: none
    std::int32_t crash_fd = -1;
    std::uint32_t affinity_count = 0;
    std::uint32_t group_count = 0;
    std::uint32_t name_length = 0;
    start_method start = start_method::forkserver;
    bool has_stdout = false;
    bool has_stderr = false;
    bool has_directory = false;
    process_os::surroundings surroundings;
};

constexpr std::size_t longest_name = 256;

void check(const worker_spec& spec) {
    if (spec.fds.size() > max_worker_fds) throw std::invalid_argument("too many descriptors for one worker");
    if (spec.crash_fd >= static_cast<int>(spec.fds.size()))
        throw std::invalid_argument("the crash page is in a descriptor that is not passed to the worker");
    if (spec.crash_offset % static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) != 0)
        throw std::invalid_argument("the crash page is not aligned to a page");
    if (spec.affinity.size() > CPU_SETSIZE ||
        std::ranges::any_of(spec.affinity, [](int cpu) { return cpu < 0 || cpu >= CPU_SETSIZE; })) {
        throw std::invalid_argument("affinity of a worker: CPU number out of range");
    }
}

std::uint64_t offset_of(worker_main_fn fn) {
    if (fn == nullptr) return 0;
    const std::vector<module_record> program = loaded_modules(1);
    const auto address = reinterpret_cast<std::uint64_t>(fn);
    if (find_module(program, address) == nullptr)
        throw std::invalid_argument("a worker's main function must be part of the program, not of a shared library");
    return address - program[0].base;
}

worker_main_fn function_at(std::uint64_t offset) {
    return offset != 0 ? reinterpret_cast<worker_main_fn>(loaded_modules(1).at(0).base + offset) : nullptr;
}

void append(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
    const std::size_t at = to.size();
    to.resize(at + bytes.size());
    std::ranges::copy(bytes, to.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

encoded_request encode_request(const worker_spec& spec, int lifeline_read_end) {
    check(spec);
    const std::size_t name_length = std::min(spec.name.size(), longest_name);
    launch_header header;
    header.slot = spec.slot;
    header.generation = spec.generation;
    header.memory_limit = spec.memory_limit;
    header.crash_offset = spec.crash_offset;
    header.main_offset = offset_of(spec.main);
    header.crash_fd = spec.crash_fd;
    header.affinity_count = static_cast<std::uint32_t>(spec.affinity.size());
    header.name_length = static_cast<std::uint32_t>(name_length);
    header.start = spec.start;
    header.has_stdout = spec.stdout_fd >= 0;
    header.has_stderr = spec.stderr_fd >= 0;
    header.surroundings = surroundings::current();
    const std::vector<gid_t> groups = supplementary_groups();
    header.group_count = static_cast<std::uint32_t>(groups.size());
    encoded_request request;
    request.working_directory = open_working_directory();
    header.has_directory = static_cast<bool>(request.working_directory);

    append(request.bytes, bytes_of(header));
    append(request.bytes, std::as_bytes(std::span{spec.affinity}));
    append(request.bytes, std::as_bytes(std::span{groups}));
    append(request.bytes, std::as_bytes(std::span{spec.name.data(), name_length}));
    request.fds.push_back(lifeline_read_end);
    if (header.has_directory) request.fds.push_back(request.working_directory.get());
    if (header.has_stdout) request.fds.push_back(spec.stdout_fd);
    if (header.has_stderr) request.fds.push_back(spec.stderr_fd);
    request.fds.insert(request.fds.end(), spec.fds.begin(), spec.fds.end());
    return request;
}

std::optional<worker_request> decode_request(std::span<const std::byte> bytes, std::vector<unique_fd> fds) {
    launch_header header;
    if (bytes.size() < sizeof header) return std::nullopt;
    std::memcpy(&header, bytes.data(), sizeof header);
    bytes = bytes.subspan(sizeof header);
    const std::size_t affinity_bytes = std::size_t{header.affinity_count} * sizeof(int);
    const std::size_t group_bytes = std::size_t{header.group_count} * sizeof(gid_t);
    const std::size_t leading_fds = std::size_t{1} + header.has_directory + header.has_stdout + header.has_stderr;
    if (header.kind != message_kind::launch || bytes.size() != affinity_bytes + group_bytes + header.name_length ||
        fds.size() < leading_fds) {
        return std::nullopt;
    }

    worker_request request;
    request.boot.slot = header.slot;
    request.boot.generation = header.generation;
    request.boot.start = header.start;
    request.main = function_at(header.main_offset);
    request.memory_limit = header.memory_limit;
    request.crash_fd = header.crash_fd;
    request.crash_offset = header.crash_offset;
    request.affinity.resize(header.affinity_count);
    if (affinity_bytes > 0) std::memcpy(request.affinity.data(), bytes.data(), affinity_bytes);
    request.surroundings = header.surroundings;
    request.supplementary_groups.resize(header.group_count);
    if (group_bytes > 0) std::memcpy(request.supplementary_groups.data(), bytes.data() + affinity_bytes, group_bytes);
    request.boot.name.assign(reinterpret_cast<const char*>(bytes.data() + affinity_bytes + group_bytes),
                             header.name_length);

    auto next = fds.begin();
    request.lifeline = std::move(*next++);
    if (header.has_directory) request.working_directory = std::move(*next++);
    if (header.has_stdout) request.standard_output = std::move(*next++);
    if (header.has_stderr) request.standard_error = std::move(*next++);
    request.boot.fds.assign(std::make_move_iterator(next), std::make_move_iterator(fds.end()));
    return request;
}

}  // namespace cadre::detail::process_os
