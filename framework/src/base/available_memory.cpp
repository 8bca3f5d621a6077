#include "base/available_memory.hpp"

#include <algorithm>
#include <exception>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

namespace cadre::detail {

namespace {

using std::filesystem::path;

constexpr std::uint64_t check_from = std::uint64_t{16} << 20;

/// The number in a file; none for `max` and if there is no such file.
std::optional<std::uint64_t> number_in(const path& file) {
    std::uint64_t n = 0;
    if (std::ifstream in(file); in >> n) return n;
    return std::nullopt;
}

/// The number behind `key` in a file of lines `key number`.
std::uint64_t value_in(const path& file, std::string_view key) {
    std::ifstream in(file);
    std::string word;
    std::uint64_t n = 0;
    while (in >> word)
        if (word == key && in >> n) return n;
    return 0;
}

std::uint64_t left_in_system(const path& proc) {
    constexpr std::uint64_t kib = 1024;
    const std::uint64_t available = value_in(proc / "meminfo", "MemAvailable:");
    if (available == 0) return unknown_memory;
    return (available + value_in(proc / "meminfo", "SwapFree:")) * kib;
}

/// What the group in `folder` leaves. @param cache the key in memory.stat of page cache that can be dropped
std::uint64_t left_in_group(const path& folder, const char* limit, const char* usage, std::string_view cache) {
    const auto max = number_in(folder / limit);
    const auto used = number_in(folder / usage);
    if (!max || !used) return unknown_memory;
    const std::uint64_t held = *used - std::min(*used, value_in(folder / "memory.stat", cache));
    return *max - std::min(*max, held);
}

/// A limit of any group above binds, too. In a container the path may name folders that only the host sees.
template <class F>
std::uint64_t least_up_to_root(const path& root, const path& group, F left_in) {
    std::uint64_t least = left_in(root);
    path folder = root;
    for (const path& part : group.relative_path()) {
        folder /= part;
        least = std::min(least, left_in(folder));
    }
    return least;
}

std::uint64_t left_in_cgroups(const memory_files& files) {
    std::uint64_t least = unknown_memory;
    std::ifstream in(files.proc / "self/cgroup");
    // `0::/path` of version 2; `4:memory:/path` of version 1.
    for (std::string line; std::getline(in, line);) {
        const std::size_t controllers = line.find(':') + 1;
        const std::size_t end = line.find(':', controllers);
        if (controllers == 0 || end == std::string::npos) continue;
        const std::string_view names = std::string_view(line).substr(controllers, end - controllers);
        const path group = line.substr(end + 1);
        if (names.empty())
            least = std::min(least, least_up_to_root(files.cgroup, group, [](const path& folder) {
                                 return left_in_group(folder, "memory.max", "memory.current", "inactive_file");
                             }));
        else if (names == "memory")
            least = std::min(least, least_up_to_root(files.cgroup / "memory", group, [](const path& folder) {
                                 return left_in_group(folder, "memory.limit_in_bytes", "memory.usage_in_bytes",
                                                      "total_inactive_file");
                             }));
    }
    return least;
}

}  // namespace

std::uint64_t available_memory(const memory_files& files) noexcept {
    try {
        return std::min(left_in_system(files.proc), left_in_cgroups(files));
    } catch (const std::exception&) {
        return unknown_memory;
    }
}

bool memory_left_for(std::uint64_t bytes) noexcept { return bytes < check_from || bytes < available_memory(); }

}  // namespace cadre::detail
