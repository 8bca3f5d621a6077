// A program for mpirun, with a scenario for each property of the link: link_program SCENARIO. Rank 0 checks, and its
// exit status tells.

#include "executors/mpi/link_program.hpp"
#include "mpi/mpi_launch.hpp"
#include "mpi/mpi_link.hpp"

#include <cadre/errors.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

using namespace link_program;
using cadre::detail::mpi::make_mpi_link;

void order_program(context& c) {
    constexpr int count = 3000;
    // Small ones, those that MPI sends by another protocol, and those that travel in pieces.
    const auto size_of = [](int i) {
        return i % 500 == 499 ? 3 * mebi + 17 : i % 50 == 49 ? std::size_t{100'000} : static_cast<std::size_t>(i % 60);
    };
    const auto message = [&](int i) { return std::to_string(i) + ' ' + pattern(size_of(i), static_cast<unsigned>(i)); };
    for (int i = 0; i < count; ++i)
        for (const node_id agent : c.agents)
            c.send(target::agent, agent, message(i));
    std::map<node_id, int> next;
    for (std::size_t left = count * c.agents.size(); left > 0; --left) {
        node_id from = 0;
        const std::string got = c.receive(&from);
        REQUIRE(got == message(next[from]++));
    }
    REQUIRE(next.size() == c.agents.size());
    c.link.publish(target::all_agents, 0, buffer_of("to all"));
    for (std::size_t i = 0; i < c.agents.size(); ++i)
        REQUIRE(c.receive() == "to all");
}

void large_program(context& c) {
    for (const std::size_t size : {mebi - 1, mebi, mebi + 1, 64 * mebi}) {
        const std::string body = pattern(size, 3);
        for (const node_id agent : c.agents) {
            c.send(target::agent, agent, body);
            c.send(target::agent, agent, "behind");
        }
        std::map<node_id, int> got;
        for (std::size_t i = 0; i < 2 * c.agents.size(); ++i) {
            node_id from = 0;
            const std::string text = c.receive(&from);
            REQUIRE(text == (got[from]++ == 0 ? body : "behind"));
        }
    }
}

constexpr std::uint32_t credit = 3;

void credit_program(context& c) {
    REQUIRE(c.events.nothing_for(50ms));
    for (int i = 0; i < 500; ++i)
        c.send(target::work, 0, std::to_string(i));
    // No agent has credit yet.
    REQUIRE(c.events.nothing_for(200ms));
    c.send(target::all_agents, 0, "begin");
    std::map<node_id, int> done;
    std::set<std::string> seen;
    for (int i = 0; i < 500; ++i) {
        node_id from = 0;
        const std::string got = c.receive(&from);
        REQUIRE(got != "too many");
        REQUIRE(seen.insert(got).second);
        ++done[from];
    }
    REQUIRE(done.size() == c.agents.size());
    // An agent that takes nothing more leaves the work to the others, or to the program.
    c.send(target::all_agents, 0, "no more");
    for (std::size_t i = 0; i < c.agents.size(); ++i)
        REQUIRE(c.receive() == "no more");
    REQUIRE(c.events.nothing_for(50ms));
    c.send(target::work, 0, "a");
    c.send(target::work, 0, "b");
    REQUIRE(c.events.nothing_for(200ms));
    c.link.drain_work();
    for (const char* expected : {"a", "b"}) {
        node_id from = 9;
        REQUIRE(c.receive(&from) == expected);
        REQUIRE(from == 0);
    }
}

void credit_agent(context& c) {
    std::deque<delivery> held;
    std::uint32_t limit = 0;
    for (;;) {
        event e = c.events.next();
        if (e.what == event::kind::program_gone) return;
        if (e.what != event::kind::received) continue;
        if (e.message.tag == 0) {
            if (text_of(e.message.body) == "begin") {
                limit = credit;
            } else {
                limit = 0;
                c.send(target::program, 0, "no more");
            }
            c.link.set_credit(limit);
            continue;
        }
        held.push_back(std::move(e.message));
        if (held.size() > limit) c.send(target::program, 0, "too many");
        // Holds on until no more comes, so that the limit is reached, and ends them in another order.
        if (held.size() < credit && !c.events.nothing_for(5ms)) continue;
        while (!held.empty()) {
            c.link.publish(target::program, 0, std::move(held.back().body));
            c.link.acknowledge(held.back().tag);
            held.pop_back();
        }
    }
}

double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// Percent of a core that this process uses while nothing happens.
double idle_cpu() {
    std::this_thread::sleep_for(1500ms);
    const double before = cpu_seconds();
    std::this_thread::sleep_for(3s);
    return (cpu_seconds() - before) / 3.0 * 100.0;
}

void idle_program(context& c) {
    const double own = idle_cpu();
    std::printf("idle: program %.3f %%", own);
    double maximum = own;
    for (std::size_t i = 0; i < c.agents.size(); ++i) {
        const double agents = std::stod(c.receive());
        std::printf(", agent %.3f %%", agents);
        maximum = std::max(maximum, agents);
    }
    std::printf("\n");
    REQUIRE(maximum < 1.0);
    // A message after a pause still arrives at once.
    const auto sent = clock_type::now();
    c.send(target::agent, c.agents.front(), "ping");
    REQUIRE(c.receive() == "ping");
    REQUIRE(clock_type::now() - sent < 500ms);
}

void idle_agent(context& c) {
    const std::string used = std::to_string(idle_cpu());
    c.send(target::program, 0, used);
    echo(c);
}

// What the process had when the program began: mpirun gives its own pipes to its processes, and sanitizers have
// handlers.
struct process_at_start {
    std::set<int> descriptors{};
    std::map<int, void (*)(int)> handlers{};

    process_at_start() {
        for (int fd = 0; fd < 1024; ++fd)
            if (::fcntl(fd, F_GETFD) >= 0) descriptors.insert(fd);
        for (const int signal : {SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGILL, SIGINT, SIGTERM, SIGCHLD, SIGPIPE, SIGUSR1})
            handlers[signal] = handler_of(signal);
    }

    static void (*handler_of(int signal))(int) {
        struct sigaction now{};
        ::sigaction(signal, nullptr, &now);
        return now.sa_handler;
    }
};

const process_at_start& at_start() {
    static const process_at_start noted;
    return noted;
}

// What MPI_Init must not have left behind.
void process_program(context& c) {
    for (const auto& [signal, handler] : at_start().handlers)
        REQUIRE(process_at_start::handler_of(signal) == handler);
    DIR* const folder = ::opendir("/proc/self/fd");
    REQUIRE(folder != nullptr);
    while (const dirent* entry = ::readdir(folder)) {
        const int fd = std::atoi(entry->d_name);
        if (entry->d_name[0] != '.' && !at_start().descriptors.contains(fd))
            REQUIRE((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }
    ::closedir(folder);
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    REQUIRE(!::sigismember(&blocked, SIGTERM));
    REQUIRE(!c.link.redelivers());
}

// Gives the ranks host names as if there were so many of them on each host. @return whether this process may do that
bool pretend_hosts(int ranks_per_host) {
    const std::string name = "host" + std::to_string(cadre::detail::mpi::mpi_rank_of_launcher() / ranks_per_host);
    return ::unshare(CLONE_NEWUTS) == 0 && ::sethostname(name.data(), name.size()) == 0;
}

int number_of(const char* variable, int otherwise) {
    const char* const value = std::getenv(variable);
    return value != nullptr ? std::atoi(value) : otherwise;
}

struct scenario {
    void (*program)(context&);
    void (*agent)(context&);
};

const std::map<std::string_view, scenario> scenarios{
    {"order", {order_program, echo}},
    {"large", {large_program, echo}},
    {"credit", {credit_program, credit_agent}},
    {"idle", {idle_program, idle_agent}},
    {"process", {process_program, echo}},
    {"nothing", {[](context& c) { REQUIRE(c.events.nothing_for(100ms)); }, echo}},
    // The exit handler of the link lets the agents go.
    {"exit", {[](context&) { std::exit(0); }, echo}},
    // The program ends while the agents still send.
    {"flood",
     {[](context& c) {
          c.send(target::all_agents, 0, "begin");
          static_cast<void>(c.receive());
      },
      [](context& c) {
          const auto gone = [](const event& e) { return e.what == event::kind::program_gone; };
          static_cast<void>(c.events.next(event::kind::program_joined));
          static_cast<void>(c.events.next(event::kind::received));
          while (c.events.nothing_for(0ms) || !gone(c.events.next()))
              for (int i = 0; i < 20; ++i)
                  c.send(target::program, 0, pattern(static_cast<std::size_t>(i) * 100'000, 1));
      }}},
    // The launcher ends the job, unless MPI reports the loss.
    {"agent_dies",
     {[](context& c) {
          const node_id victim = c.agents.front();
          c.send(target::agent, victim, "die");
          const event e = c.events.next(event::kind::agent_gone);
          REQUIRE(e.message.from == victim);
          c.send(target::agent, victim, "dropped");
          c.send(target::agent, c.agents.back(), "you live");
          REQUIRE(c.receive() == "you live");
      },
      [](context& c) {
          for (;;) {
              event e = c.events.next();
              if (e.what == event::kind::program_gone) return;
              if (e.what == event::kind::received) {
                  if (text_of(e.message.body) == "die") std::raise(SIGKILL);
                  c.link.publish(target::program, 0, std::move(e.message.body));
              }
          }
      }}},
    // The program does not wait for ever.
    {"agent_hangs", {[](context&) {}, [](context&) { std::this_thread::sleep_for(60s); }}},
    // An agent that fails before the program ends.
    {"agent_leaves",
     {[](context& c) {
          c.send(target::agent, c.agents.front(), "go");
          REQUIRE(c.receive() == "last words");
          const event e = c.events.next(event::kind::agent_gone);
          REQUIRE(e.message.from == c.agents.front());
          c.send(target::agent, c.agents.front(), "dropped");
      },
      [](context& c) {
          for (;;) {
              const event e = c.events.next();
              if (e.what == event::kind::program_gone) return;
              if (e.what == event::kind::received) {
                  c.send(target::program, 0, "last words");
                  return;
              }
          }
      }}},
};

int run(const scenario& chosen, bool is_program) {
    recorder events;
    const auto link = make_mpi_link({.program_serves = std::getenv("CADRE_TEST_PROGRAM_SERVES") != nullptr});
    const auto begun = clock_type::now();
    link->start(events, buffer_of(is_program ? "the program" : "an agent"));
    context c{.link = *link, .events = events};
    if (is_program) {
        const int others = cadre::detail::mpi::mpi_size_of_launcher() - 1;
        for (int left = number_of("CADRE_TEST_AGENTS", others); left > 0; --left) {
            const event e = events.next(event::kind::agent_joined);
            REQUIRE(text_of(e.message.body) == "an agent");
            c.agents.push_back(e.message.from);
            std::printf("agent %u\n", e.message.from);
        }
        std::printf("ready after %lld ms\n",
                    static_cast<long long>(
                        std::chrono::duration_cast<std::chrono::milliseconds>(clock_type::now() - begun).count()));
        chosen.program(c);
    } else {
        chosen.agent(c);
    }
    link->stop(clock_type::now() + (std::getenv("CADRE_TEST_IMPATIENT") != nullptr ? 500ms : 10s));
    if (is_program) std::printf("done\n");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    static_cast<void>(at_start());
    const std::string_view name = argc > 1 ? argv[1] : "";
    const bool is_program = cadre::detail::mpi::mpi_rank_of_launcher() <= 0;
    if (const int ranks = number_of("CADRE_TEST_RANKS_PER_HOST", 0); ranks > 0 && !pretend_hosts(ranks)) {
        std::printf("no permission\n");
        return 0;
    }
    try {
        if (name == "unused" && is_program) {
            cadre::detail::mpi::leave_unused_mpi();
            std::printf("done\n");
            return 0;
        }
        const auto found = scenarios.find(name == "unused" ? "nothing" : name);
        REQUIRE(found != scenarios.end());
        return run(found->second, is_program);
    } catch (const cadre::config_error& e) {
        if (*e.what() == '\0') return 0;  // another rank reports it
        std::fprintf(stderr, "config_error: %s\n", e.what());
        return 2;
    }
}
