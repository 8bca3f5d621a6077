#include "common/concurrency.hpp"

#include <cadre/errors.hpp>
#include <cadre/executors/workers.hpp>

#include <sched.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace cadre::detail {
namespace {

namespace fs = std::filesystem;

// One mounted cgroup hierarchy that can limit the CPU.
struct hierarchy {
    bool v2 = false;
    std::string mount_root;   // the mounted group: not `/` in a container without a cgroup namespace
    std::string mount_point;
};

bool has_word(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        if (list.substr(0, comma) == word) return true;
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    }
    return false;
}

// mountinfo: ID PARENT MAJOR:MINOR ROOT MOUNT_POINT OPTIONS [TAG…] - TYPE SOURCE SUPER_OPTIONS
std::vector<hierarchy> mounted(const fs::path& root) {
    std::vector<hierarchy> found;
    std::ifstream file(root / "proc/self/mountinfo");
    for (std::string line; std::getline(file, line);) {
        const std::size_t dash = line.find(" - ");
        if (dash == std::string::npos) continue;
        hierarchy h;
        std::string skip;
        std::string type;
        std::string source;
        std::string super_options;
        std::istringstream(line) >> skip >> skip >> skip >> h.mount_root >> h.mount_point;
        std::istringstream(line.substr(dash + 3)) >> type >> source >> super_options;
        h.v2 = type == "cgroup2";
        if (h.v2 || (type == "cgroup" && has_word(super_options, "cpu"))) found.push_back(std::move(h));
    }
    return found;
}

// cgroup: 0::PATH for version 2, ID:CONTROLLERS:PATH for version 1
std::string group_of_self(const fs::path& root, bool v2) {
    std::ifstream file(root / "proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
        if (v2 ? controllers.empty() : has_word(controllers, "cpu")) return line.substr(second + 1);
    }
    return "/";
}

int cores(long long quota, long long period) {
    if (quota <= 0 || period <= 0) return 0;
    return static_cast<int>(std::min<long long>((quota - 1) / period + 1, max_workers));
}

// "max 100000" or "150000 100000"; a group without the controller has no file.
int quota_v2(const fs::path& group) {
    long long quota = 0;
    long long period = 0;
    std::ifstream(group / "cpu.max") >> quota >> period;
    return cores(quota, period);
}

int quota_v1(const fs::path& group) {
    long long quota = 0;
    long long period = 0;
    std::ifstream(group / "cpu.cfs_quota_us") >> quota;
    std::ifstream(group / "cpu.cfs_period_us") >> period;
    return cores(quota, period);
}

int smaller(int a, int b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); }

int quota_of(const hierarchy& h, const fs::path& root) {
    std::string group = group_of_self(root, h.v2);
    if (h.mount_root != "/") group = group.starts_with(h.mount_root) ? group.substr(h.mount_root.size()) : "";
    if (group.starts_with("/..")) group.clear();  // outside of the cgroup namespace: only the mounted part can be read
    const fs::path top = (root / fs::path(h.mount_point).relative_path()).lexically_normal();
    fs::path at = (top / fs::path(group).relative_path()).lexically_normal();
    int quota = 0;
    // A parent's quota binds its children too.
    for (int depth = 0; depth < 64; ++depth) {
        quota = smaller(quota, h.v2 ? quota_v2(at) : quota_v1(at));
        if (at == top || !at.has_relative_path()) break;
        at = at.parent_path();
    }
    return quota;
}

// Calls `f` with the affinity mask of this process and its size in bytes, or with null if it cannot be read.
template <class F>
auto with_affinity_mask(F f) {
    // On a machine with more CPUs than cpu_set_t holds the call fails with EINVAL: retry with a larger mask.
    for (std::size_t cpus = CPU_SETSIZE; cpus <= std::size_t{1} << 20; cpus *= 4) {
        const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(CPU_ALLOC(cpus), [](cpu_set_t* s) { CPU_FREE(s); });
        const std::size_t size = CPU_ALLOC_SIZE(cpus);
        if (set != nullptr && sched_getaffinity(0, size, set.get()) == 0)
            return f(static_cast<const cpu_set_t*>(set.get()), size);
    }
    return f(static_cast<const cpu_set_t*>(nullptr), std::size_t{0});
}

// `0-3,8`
std::string ranges_of(const std::vector<int>& ascending) {
    std::string text;
    for (std::size_t i = 0; i != ascending.size();) {
        std::size_t last = i;
        while (last + 1 != ascending.size() && ascending[last + 1] == ascending[last] + 1)
            ++last;
        if (!text.empty()) text += ',';
        text += std::to_string(ascending[i]);
        if (last != i) {
            text += '-';
            text += std::to_string(ascending[last]);
        }
        i = last + 1;
    }
    return text;
}

}  // namespace

int affinity_count() noexcept {
    return with_affinity_mask(
        [](const cpu_set_t* set, std::size_t size) noexcept { return set == nullptr ? 0 : CPU_COUNT_S(size, set); });
}

std::string affinity_fault(const cpu_list& wanted) {
    return with_affinity_mask([&](const cpu_set_t* set, std::size_t size) {
        if (set == nullptr) return std::string();
        std::vector<int> usable;
        int unusable = -1;
        for (int cpu = 0; cpu != static_cast<int>(cpu_list::limit); ++cpu)
            if (CPU_ISSET_S(static_cast<std::size_t>(cpu), size, set))
                usable.push_back(cpu);
            else if (unusable < 0 && wanted.contains(cpu))
                unusable = cpu;
        return unusable < 0 ? std::string()
                            : "expected CPUs that this process may use (" + ranges_of(usable) + "), got " +
                                  std::to_string(unusable);
    });
}

void check_affinity(const cpu_list& wanted) {
    if (const std::string fault = affinity_fault(wanted); !fault.empty()) throw config_error("affinity: " + fault);
}

int cgroup_quota(const fs::path& root) {
    int quota = 0;
    for (const hierarchy& h : mounted(root))
        quota = smaller(quota, quota_of(h, root));
    return quota;
}

int usable_cores(int affinity, const fs::path& root) noexcept {
    const int available = affinity > 0 ? affinity : static_cast<int>(std::thread::hardware_concurrency());
    try {
        return std::clamp(smaller(available, cgroup_quota(root)), 1, max_workers);
    } catch (...) {
        return std::clamp(available, 1, max_workers);
    }
}

int resolve_workers(worker_count workers) {
    if (workers.is_default()) return default_concurrency();
    if (workers.value() < 1)
        throw config_error("workers: expected a positive whole number, got " + std::to_string(workers.value()));
    if (workers.value() > max_workers) {
        throw config_error("workers: expected at most " + std::to_string(max_workers) + ", got " +
                           std::to_string(workers.value()));
    }
    return workers.value();
}

}  // namespace cadre::detail

namespace cadre {

int default_concurrency() noexcept { return detail::usable_cores(detail::affinity_count(), "/"); }

void cpu_list::add(int cpu) {
    if (cpu < 0 || cpu >= static_cast<int>(limit)) {
        throw config_error("affinity: expected a CPU from 0 to " + std::to_string(limit - 1) + ", got " +
                           std::to_string(cpu));
    }
    cpus_[cpu / 64] |= std::uint64_t{1} << (cpu % 64);
}

std::size_t cpu_list::size() const noexcept {
    std::size_t cpus = 0;
    for (const std::uint64_t word : cpus_)
        cpus += static_cast<std::size_t>(std::popcount(word));
    return cpus;
}

int cpu_list::cpu_of(std::size_t worker) const noexcept {
    if (empty()) return -1;
    std::size_t skip = worker % size();
    for (std::size_t cpu = 0; cpu < limit; ++cpu)
        if (contains(static_cast<int>(cpu)) && skip-- == 0) return static_cast<int>(cpu);
    return -1;
}

}  // namespace cadre
