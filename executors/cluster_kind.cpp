#include "base/host_name.hpp"
#include "cluster/amqp_link.hpp"
#include "config/kind_options.hpp"
#include "host_kinds.hpp"
#include "node/agent.hpp"
#include "node/node_backend.hpp"
#include "process/process_pool.hpp"

#include <cadre/errors.hpp>
#include <cadre/executors/cluster.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cadre {

namespace detail {

namespace {

constexpr std::string_view role = "--cadre-agent";
constexpr unsigned max_agents = 256;

std::string_view variable(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

/// The number of processes of the `srun` that started this one; 1 without `srun`, as in a batch script.
std::size_t tasks_of_srun() {
    const std::string_view text = variable("SLURM_STEP_NUM_TASKS");
    std::size_t tasks = 1;
    if (!variable("SLURM_STEP_ID").empty()) std::from_chars(text.data(), text.data() + text.size(), tasks);
    return std::max<std::size_t>(1, tasks);
}

std::string group_of_agents() {
    const std::string_view name = variable("CADRE_CLUSTER_NAME");
    return std::string(name.empty() ? "cluster" : name);
}

// The processes of one `srun` form a group of their own, because two jobs may share a broker.
std::string group_of(const cluster_options& options) {
    if (!options.name.empty()) return std::string(options.name);
    std::string name = group_of_agents();
    if (variable("CADRE_CLUSTER_NAME").empty() && tasks_of_srun() > 1)
        name.append(".").append(variable("SLURM_JOB_ID")).append(".").append(variable("SLURM_STEP_ID"));
    return name;
}

amqp::amqp_options link_options(const cluster_options& options) {
    amqp::amqp_options link;
    link.url = options.url;
    link.name = group_of(options);
    link.ca = options.ca;
    link.certificate = options.certificate;
    link.key = options.key;
    link.heartbeat = options.heartbeat;
    return link;
}

[[noreturn]] void refuse(const std::string& why) {
    std::fprintf(stderr, "cadre: agent: %s\n", why.c_str());
    std::fflush(nullptr);
    ::_exit(2);
}

// The agent of this process, while it serves.
struct serving {
    std::mutex mutex;
    node::agent* agent = nullptr;
};

// The first signal makes the agent leave, the second one ends the process. The signals are blocked in all threads.
void leave_at_signals(serving& now, const sigset_t& signals) {
    std::thread([&now, signals] {
        int signal = 0;
        ::sigwait(&signals, &signal);
        {
            const std::lock_guard hold(now.mutex);
            if (now.agent != nullptr) now.agent->leave();
        }
        ::sigwait(&signals, &signal);
        ::_exit(128 + signal);
    }).detach();
}

sigset_t block_stop_signals() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGINT);
    ::sigaddset(&signals, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return signals;
}

// Ends the agent of a job whose first process, the program, has failed.
void leave_without_a_program(serving& now, std::chrono::nanoseconds limit) {
    std::thread([&now, limit] {
        std::this_thread::sleep_for(limit);
        const std::lock_guard hold(now.mutex);
        if (now.agent == nullptr || now.agent->has_served_program()) return;
        refuse("no program has joined within " +
               std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(limit).count()) +
               " ms (nodes_wait)");
    }).detach();
}

/// @param first_program  how long to wait for the only program that it serves; none: it serves any number of programs
[[noreturn]] void serve_cluster(amqp::amqp_options options, std::optional<std::chrono::nanoseconds> first_program) {
    const sigset_t signals = block_stop_signals();
    try {
        options.agent = true;
        node::agent agent(amqp::make_amqp_link(options), make_process_pool, host_name());
        auto& now = *new serving;  // not destroyed: the threads use it until the process ends
        now.agent = &agent;
        leave_at_signals(now, signals);
        if (first_program) leave_without_a_program(now, *first_program);
        agent.serve(first_program.has_value());
        const std::lock_guard hold(now.mutex);
        now.agent = nullptr;
    } catch (const std::exception& problem) {
        refuse(problem.what());
    }
    std::fflush(nullptr);
    ::_exit(0);
}

// Starts several agents, each in a process of its own. They end with this process.
[[noreturn]] void serve_cluster_by(unsigned agents) {
    const sigset_t signals = block_stop_signals();
    std::vector<pid_t> children;
    for (unsigned i = 0; i != agents; ++i) {
        const pid_t parent = ::getpid();
        const pid_t child = ::fork();
        if (child < 0) refuse("cannot start agent " + std::to_string(i) + ": fork failed");
        if (child == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGTERM);
            if (::getppid() != parent) ::_exit(0);
            ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
            char program[] = "/proc/self/exe";
            char option[] = "--cadre-agent";
            char* const arguments[] = {program, option, nullptr};
            ::execv(program, arguments);
            ::_exit(127);
        }
        children.push_back(child);
    }
    std::thread([children, signals] {
        for (;;) {
            int signal = 0;
            ::sigwait(&signals, &signal);
            for (const pid_t child : children)
                ::kill(child, signal);
        }
    }).detach();
    int worst = 0;
    for (const pid_t child : children) {
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) worst = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    }
    ::_exit(worst);
}

// The program configures its agents, so other arguments of an agent are errors.
unsigned parse_agent_count(std::span<const std::string_view> words) {
    constexpr std::string_view option = "--agents";
    unsigned agents = 1;
    for (std::size_t i = 0; i != words.size(); ++i) {
        if (words[i] == role) continue;
        std::string_view value;
        if (words[i].starts_with("--agents="))
            value = words[i].substr(option.size() + 1);
        else if (words[i] == option)
            value = i + 1 != words.size() ? words[++i] : "";
        else
            refuse("unknown argument '" + std::string(words[i]) +
                   "': an agent accepts --agents=N only; it gets its configuration from the program");
        const char* const end = value.data() + value.size();
        const auto parsed = std::from_chars(value.data(), end, agents);
        if (parsed.ec != std::errc() || parsed.ptr != end || agents == 0 || agents > max_agents)
            refuse("--agents: expected a number from 1 to " + std::to_string(max_agents));
    }
    return agents;
}

// `srun ./app --executor=cluster`: the first process runs the program; the others are its agents and end with it.
void serve_if_agent_of_slurm(const executor_config& c) {
    if (tasks_of_srun() == 1 || variable("SLURM_PROCID") == "0") return;
    const cluster_options options = to_cluster_options(c);
    serve_cluster(link_options(options), options.nodes_wait);
}

}  // namespace

void run_cluster_agent_if_requested(int argc, char** argv) {
    std::vector<std::string_view> words;
    for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i)
        words.emplace_back(argv[i]);
    if (std::ranges::find(words, role) == words.end()) return;
    const unsigned agents = parse_agent_count(words);
    if (agents != 1) serve_cluster_by(agents);
    amqp::amqp_options options;
    options.name = group_of_agents();
    serve_cluster(std::move(options), std::nullopt);
}

kind_entry cluster_kind() {
#ifndef CADRE_RABBITMQ_SONAME
    return {.missing = "this build has no RabbitMQ client: install librabbitmq-dev and build again"};
#endif
    return {.make = [](const executor_config& c) { return make_cluster_executor(to_cluster_options(c)); },
            .check = [](const executor_config& c) { to_cluster_options(c); },
            .checked_by_start = true,
            .serve = serve_if_agent_of_slurm};
}

}  // namespace detail

executor make_cluster_executor(const cluster_options& options) {
    detail::node::node_settings settings = detail::node::settings_of_hosts(executor_kind::cluster, options.host);
    settings.local = options.local;
    // The program waits for all tasks of `srun`: an agent that starts after its end would find no program.
    settings.nodes = options.nodes != 0 ? options.nodes : detail::tasks_of_srun() - 1;
    settings.nodes_wait = options.nodes_wait;
    settings.make_pool = detail::make_process_pool;
    auto link = detail::amqp::make_amqp_link(detail::link_options(options));
    return executor(detail::node::node_backend::create(std::move(settings), std::move(link)));
}

cluster_executor::cluster_executor(const cluster_options& options) : executor_type(make_cluster_executor(options)) {}

}  // namespace cadre
