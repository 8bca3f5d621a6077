#include "base/host_name.hpp"
#include "cluster/amqp_link.hpp"
#include "config/kind_options.hpp"
#include "host_kinds.hpp"
#include "node/agent.hpp"
#include "node/node_backend.hpp"
#include "process/process_pool.hpp"

#include <cadre/errors.hpp>
#include <cadre/executors/cluster.hpp>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <optional>
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

constexpr unsigned max_agents = 256;

std::string group_name(std::string_view given) {
    if (!given.empty()) return std::string(given);
    const char* const name = std::getenv("CADRE_CLUSTER_NAME");
    return name != nullptr && *name != 0 ? name : "cluster";
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

// The first signal asks the agent to leave, the second one ends the process. They are blocked in every thread.
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

[[noreturn]] void serve_cluster() {
    const sigset_t signals = block_stop_signals();
    try {
        amqp::amqp_options options;
        options.name = group_name({});
        options.agent = true;
        node::agent agent(amqp::make_amqp_link(options), make_process_pool, host_name());
        auto& now = *new serving;  // for the thread of the signals, which ends with the process
        now.agent = &agent;
        leave_at_signals(now, signals);
        agent.serve(false);
        const std::lock_guard hold(now.mutex);
        now.agent = nullptr;
    } catch (const std::exception& problem) {
        refuse(problem.what());
    }
    std::fflush(nullptr);
    ::_exit(0);
}

// Each agent is a process of its own, as on a host of its own. They end with this one.
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

// `srun ./app --executor=cluster`: its first process runs the program, the others are agents.
void serve_if_agent_of_slurm() {
    const char* const rank = std::getenv("SLURM_PROCID");
    if (rank != nullptr && std::string_view(rank) != "0") serve_cluster();
}

}  // namespace

void serve_cluster_if_asked(int argc, char** argv) {
    bool asked = false;
    std::optional<unsigned> agents;
    for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--cadre-agent") asked = true;
        constexpr std::string_view count = "--agents=";
        if (!argument.starts_with(count)) continue;
        unsigned n = 0;
        const std::string_view text = argument.substr(count.size());
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
        agents = error == std::errc() && end == text.data() + text.size() && n <= max_agents ? n : 0;
    }
    if (!asked) return;
    if (agents == 0u) refuse("--agents: expected a number from 1 to " + std::to_string(max_agents));
    if (agents.value_or(1) != 1) serve_cluster_by(*agents);
    serve_cluster();
}

kind_entry cluster_kind() {
#ifndef CADRE_RABBITMQ_SONAME
    return {.missing = "this build has no RabbitMQ client: install librabbitmq-dev and build again"};
#endif
    return {.make = [](const executor_config& c) { return make_cluster_executor(to_cluster_options(c)); },
            .check = [](const executor_config& c) { to_cluster_options(c); },
            .serve = serve_if_agent_of_slurm};
}

}  // namespace detail

executor make_cluster_executor(const cluster_options& options) {
    detail::node::node_settings settings;
    settings.kind = executor_kind::cluster;
    settings.name = options.host.name.empty() ? "cluster" : std::string(options.host.name);
    settings.host = detail::host_name();
    settings.pool = options.host;
    settings.pool.name = {};
    settings.local = options.local;
    settings.nodes = options.nodes;
    settings.nodes_wait = options.nodes_wait;
    settings.make_pool = detail::make_process_pool;
    detail::amqp::amqp_options link;
    link.url = options.url;
    link.name = detail::group_name(options.name);
    link.ca = options.ca;
    link.certificate = options.certificate;
    link.key = options.key;
    link.heartbeat = options.heartbeat;
    return executor(detail::node::node_backend::create(std::move(settings), detail::amqp::make_amqp_link(link)));
}

cluster_executor::cluster_executor(const cluster_options& options) : executor_type(make_cluster_executor(options)) {}

}  // namespace cadre
