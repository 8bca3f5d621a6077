#include "config/kind_options.hpp"

#include "common/concurrency.hpp"
#include "common/worker_memory.hpp"
#include "config/suggest.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cadre::detail {
namespace {

// One option of a kind: how its key is named in a file, and how it is read. An absent key leaves the default.
template <class Options>
struct option {
    std::string_view key;
    void (*read)(const executor_config& c, Options& o);
};

cpu_list affinity_of(const executor_config& c) {
    cpu_list cpus;
    for (const std::int64_t cpu : c.integers("affinity").value_or(std::vector<std::int64_t>())) {
        if (cpu < 0 || cpu >= static_cast<std::int64_t>(cpu_list::limit)) {
            c.fail("affinity",
                   "expected CPUs from 0 to " + std::to_string(cpu_list::limit - 1) + ", got " + std::to_string(cpu));
        }
        cpus.add(static_cast<int>(cpu));
    }
    return cpus;
}

worker_count workers_of(const executor_config& c) {
    const auto workers = c.workers();
    return workers ? worker_count(*workers) : default_workers;
}

template <class Enum>
Enum choice_of(const executor_config& c, std::string_view key, std::span<const std::string_view> names, Enum fallback) {
    const auto index = c.choice(key, names);
    return index ? static_cast<Enum>(*index) : fallback;
}

int retries_of(const executor_config& c) {
    const std::size_t retries = c.count("retries", 0).value_or(0);
    if (retries > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
        c.fail("retries", "expected at most " + std::to_string(std::numeric_limits<int>::max()) + ", got " +
                              std::to_string(retries));
    }
    return static_cast<int>(retries);
}

void fail_if(const std::string& fault, const executor_config& c, std::string_view key) {
    if (!fault.empty()) c.fail(key, fault);
}

// In the order of the enumerators.
constexpr std::string_view clocks[] = {"real", "virtual"};

constexpr option<serial_options> of_serial[] = {
    {"clock", [](const executor_config& c, serial_options& o) { o.clock = choice_of(c, "clock", clocks, o.clock); }},
    {"seed", [](const executor_config& c, serial_options& o) { o.seed = c.unsigned_integer("seed"); }},
    {"workers",
     [](const executor_config& c, serial_options&) {
         if (const auto workers = c.workers(); workers && *workers != 1)
             c.fail("workers", "the kind 'serial' has exactly one worker, got " + std::to_string(*workers));
     }},
};

constexpr option<thread_options> of_thread[] = {
    {"affinity", [](const executor_config& c, thread_options& o) { o.affinity = affinity_of(c); }},
    {"workers", [](const executor_config& c, thread_options& o) { o.workers = workers_of(c); }},
};

// In the order of the enumerators.
constexpr std::string_view starts[] = {"forkserver", "spawn"};
constexpr std::string_view outputs[] = {"inherit", "prefix", "capture", "null"};

constexpr option<process_options> of_process[] = {
    {"affinity", [](const executor_config& c, process_options& o) { o.affinity = affinity_of(c); }},
    {"kill_grace", [](const executor_config& c,
                      process_options& o) { o.kill_grace = c.duration("kill_grace").value_or(o.kill_grace); }},
    {"max_pending", [](const executor_config& c,
                       process_options& o) { o.max_pending = c.count("max_pending", 0).value_or(o.max_pending); }},
    {"max_tasks_per_worker",
     [](const executor_config& c, process_options& o) {
         o.max_tasks_per_worker = c.count("max_tasks_per_worker", 0).value_or(o.max_tasks_per_worker);
     }},
    {"memory_limit", [](const executor_config& c,
                        process_options& o) { o.memory_limit = c.bytes("memory_limit").value_or(o.memory_limit); }},
    {"memory_soft_limit",
     [](const executor_config& c, process_options& o) {
         o.memory_soft_limit = c.bytes("memory_soft_limit").value_or(o.memory_soft_limit);
     }},
    {"output",
     [](const executor_config& c, process_options& o) { o.output = choice_of(c, "output", outputs, o.output); }},
    {"retries", [](const executor_config& c, process_options& o) { o.retries = retries_of(c); }},
    {"start", [](const executor_config& c, process_options& o) { o.start = choice_of(c, "start", starts, o.start); }},
    {"task_timeout", [](const executor_config& c,
                        process_options& o) { o.task_timeout = c.duration("task_timeout").value_or(o.task_timeout); }},
    {"tasks_per_worker",
     [](const executor_config& c, process_options& o) {
         o.tasks_per_worker = c.count("tasks_per_worker", 0).value_or(o.tasks_per_worker);
     }},
    {"workers", [](const executor_config& c, process_options& o) { o.workers = workers_of(c); }},
};

constexpr option<mpi_options> of_mpi[] = {
    {"local", [](const executor_config& c, mpi_options& o) { o.local = c.boolean("local").value_or(o.local); }},
    {"nodes", [](const executor_config& c, mpi_options& o) { o.nodes = c.count("nodes", 0).value_or(o.nodes); }},
    {"nodes_wait",
     [](const executor_config& c, mpi_options& o) { o.nodes_wait = c.duration("nodes_wait").value_or(o.nodes_wait); }},
};

// Refers to the text in `c`.
std::string_view text_of(const executor_config& c, std::string_view key) {
    static_cast<void>(c.string(key));  // checks the type
    const auto found = c.options.find(key);
    return found == c.options.end() ? std::string_view() : std::get<std::string>(found->second.value());
}

constexpr option<cluster_options> of_cluster[] = {
    {"ca", [](const executor_config& c, cluster_options& o) { o.ca = text_of(c, "ca"); }},
    {"certificate", [](const executor_config& c, cluster_options& o) { o.certificate = text_of(c, "certificate"); }},
    {"heartbeat",
     [](const executor_config& c, cluster_options& o) { o.heartbeat = c.duration("heartbeat").value_or(o.heartbeat); }},
    {"key", [](const executor_config& c, cluster_options& o) { o.key = text_of(c, "key"); }},
    {"local", [](const executor_config& c, cluster_options& o) { o.local = c.boolean("local").value_or(o.local); }},
    {"name", [](const executor_config& c, cluster_options& o) { o.name = text_of(c, "name"); }},
    {"nodes", [](const executor_config& c, cluster_options& o) { o.nodes = c.count("nodes", 0).value_or(o.nodes); }},
    {"nodes_wait", [](const executor_config& c,
                      cluster_options& o) { o.nodes_wait = c.duration("nodes_wait").value_or(o.nodes_wait); }},
    {"url", [](const executor_config& c, cluster_options& o) { o.url = text_of(c, "url"); }},
};

struct kind_keys {
    std::string_view kind;
    std::vector<std::string_view> keys;
};

template <class Options, std::size_t N>
std::vector<std::string_view> keys_of(const option<Options> (&options)[N]) {
    std::vector<std::string_view> keys;
    for (const option<Options>& o : options)
        keys.push_back(o.key);
    return keys;
}

const std::vector<kind_keys>& keys_by_kind() {
    static const std::vector<kind_keys> known = [] {
        // What holds for a process executor holds for each host.
        const auto with_those_of_hosts = [](std::vector<std::string_view> keys) {
            std::ranges::copy(keys_of(of_process), std::back_inserter(keys));
            std::ranges::sort(keys);
            return keys;
        };
        return std::vector<kind_keys>{{"serial", keys_of(of_serial)},
                                      {"thread", keys_of(of_thread)},
                                      {"process", keys_of(of_process)},
                                      {"mpi", with_those_of_hosts(keys_of(of_mpi))},
                                      {"cluster", with_those_of_hosts(keys_of(of_cluster))}};
    }();
    return known;
}

bool has(const kind_keys& k, std::string_view key) { return std::ranges::find(k.keys, key) != k.keys.end(); }

// An option of another kind is not reported as unknown: the message lists the kinds that have it.
void check_keys(const executor_config& c, std::string_view kind) {
    const std::vector<kind_keys>& known = keys_by_kind();
    for (const auto& [key, value] : c.options) {
        if ((key == "initializer" || key == "finalizer") &&
            (kind == "process" || kind == "thread" || kind == "mpi" || kind == "cluster")) {
            c.fail(key, "a file cannot name a function; set " + std::string(kind) +
                            "_options::" + (kind == "mpi" || kind == "cluster" ? "host." : "") + key + " in code");
        }
        std::vector<std::string> supporting;
        for (const kind_keys& other : known)
            if (has(other, key)) supporting.emplace_back(other.kind);
        if (!supporting.empty() && std::ranges::find(supporting, kind) == supporting.end()) {
            c.fail(key,
                   "the kind '" + std::string(kind) + "' cannot honour this option (" + listed(supporting) + " can)");
        }
    }
    const auto own = std::ranges::find(known, kind, &kind_keys::kind);
    c.allow_only(own->keys);
}

// Into `result`.
template <class Options, std::size_t N>
Options read_all(const executor_config& c, const option<Options> (&options)[N], Options result) {
    for (const option<Options>& o : options)
        o.read(c, result);
    return result;
}

process_options read_process_options(const executor_config& c) {
    const process_options result = read_all(c, of_process, {.name = c.name});
    fail_if(memory_soft_limit_fault(result.memory_soft_limit, result.memory_limit), c, "memory_soft_limit");
    return result;
}

}  // namespace

serial_options to_serial_options(const executor_config& c) {
    check_keys(c, "serial");
    return read_all(c, of_serial, {.name = c.name});
}

thread_options to_thread_options(const executor_config& c) {
    check_keys(c, "thread");
    return read_all(c, of_thread, {.name = c.name});
}

process_options to_process_options(const executor_config& c) {
    check_keys(c, "process");
    return read_process_options(c);
}

mpi_options to_mpi_options(const executor_config& c) {
    check_keys(c, "mpi");
    return read_all(c, of_mpi, {.host = read_process_options(c)});
}

cluster_options to_cluster_options(const executor_config& c) {
    check_keys(c, "cluster");
    return read_all(c, of_cluster, {.host = read_process_options(c)});
}

void check_thread_options_here(const executor_config& c) { fail_if(affinity_fault(affinity_of(c)), c, "affinity"); }

void check_process_options_here(const executor_config& c) {
    fail_if(affinity_fault(affinity_of(c)), c, "affinity");
    fail_if(memory_limit_fault(c.bytes("memory_limit").value_or(0)), c, "memory_limit");
}

}  // namespace cadre::detail
