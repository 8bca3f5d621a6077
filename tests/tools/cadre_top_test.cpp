// cadre-top, run on this program and on others.

#include "executors/process/support.hpp"
#include "runtime/observation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
namespace observation = cadre::detail::observation;

struct result {
    int status;
    std::string text;  // of both streams
};

result run_command(const std::string& command) {
    std::FILE* const out = ::popen((command + " 2>&1").c_str(), "r");
    std::string text;
    std::array<char, 4096> part;
    for (std::size_t n = 0; (n = std::fread(part.data(), 1, part.size(), out)) != 0;)
        text.append(part.data(), n);
    const int status = ::pclose(out);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}
result top(pid_t pid, const std::string& arguments = "--once ") {
    return run_command(std::string(CADRE_TOP " ") + arguments + std::to_string(pid));
}

// The line of the table that begins with `word`, as words.
std::vector<std::string> row(const std::string& text, const std::string& word) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream in(line);
        std::vector<std::string> words;
        for (std::string w; in >> w;)
            words.push_back(w);
        if (!words.empty() && words[0] == word) return words;
    }
    ADD_FAILURE() << "no line with " << word << " in:\n" << text;
    return std::vector<std::string>(16);
}

TEST(cadre_top, a_running_program) {
    const executor ex = process_executor{{.workers = 2, .name = "pair"}};
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, i)), i + 1);
    const cadre::channel<int> begun(ex, 1);
    auto holder = cadre::spawn(ex.with({.name = "holder"}), begin_and_compute_until_stopped, begun);
    ASSERT_TRUE(run(receive<int>, begun));
    const auto [status, text] = top(::getpid());
    EXPECT_EQ(status, 0) << text;
    EXPECT_NE(text.find("cadre_tool_tests, pid " + std::to_string(::getpid())), std::string::npos) << text;
    const auto pair = row(text, "pair");  // name kind workers queued running done failed retried restarts …
    EXPECT_EQ(pair[1], "process");
    EXPECT_EQ(pair[2], "2");
    EXPECT_EQ(pair[4], "1");
    EXPECT_EQ(pair[5], "5");
    EXPECT_EQ(pair[8], "0");
    const std::string state = " " + std::to_string(holder.worker_pid()) + "  busy ";
    EXPECT_NE(text.find(state), std::string::npos) << text;
    EXPECT_NE(text.find("holder #"), std::string::npos) << text;
    EXPECT_NE(text.find(" MiB"), std::string::npos) << text;
    holder.request_stop();
    EXPECT_EQ(run(wait_for<int>, std::move(holder)), 77);
}

TEST(cadre_top, several_at_once) {
    const executor ex = process_executor{{.workers = 1, .name = "one"}};
    const auto [status, text] =
        run_command("for i in 1 2 3 4; do " CADRE_TOP " --once " + std::to_string(::getpid()) + " & done; wait");
    std::size_t tables = 0;
    for (std::size_t at = 0; (at = text.find("workers of one", at)) != std::string::npos; ++at)
        ++tables;
    EXPECT_EQ(tables, 4u) << text;
}

TEST(cadre_top, shows_tables_until_the_program_ends) {
    std::array<int, 2> shown{};
    ASSERT_EQ(::pipe2(shown.data(), O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(shown[1], STDOUT_FILENO);
        // A program of its own: this one's runtime stays behind.
        ::execl(CADRE_TOP, CADRE_TOP, "--interval=1", std::to_string(::getppid()).c_str(), nullptr);
        ::_exit(126);
    }
    ::close(shown[1]);
    char first = 0;
    EXPECT_EQ(::read(shown[0], &first, 1), 1);  // it has begun to print
    ::kill(child, SIGTERM);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    ::close(shown[0]);
}

TEST(cadre_top, arguments) {
    EXPECT_EQ(run_command(CADRE_TOP).status, 2);
    EXPECT_EQ(run_command(CADRE_TOP " --once").status, 2);
    EXPECT_EQ(run_command(CADRE_TOP " 0").status, 2);
    EXPECT_EQ(run_command(CADRE_TOP " -5").status, 2);
    EXPECT_EQ(run_command(CADRE_TOP " 12x").status, 2);
    EXPECT_EQ(run_command(CADRE_TOP " 12 13").status, 2);
    EXPECT_EQ(run_command(CADRE_TOP " --interval=0 1").status, 2);
    EXPECT_EQ(run_command(CADRE_TOP " --help").status, 0);
}

TEST(cadre_top, no_such_process) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    ::waitpid(child, nullptr, 0);
    const auto [status, text] = top(child);
    EXPECT_EQ(status, 1);
    EXPECT_EQ(text, "cadre-top: there is no process " + std::to_string(child) + "\n");
}

// In a child: those of the parent.
void close_sockets() {
    std::vector<int> sockets;
    for (const auto& file : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code closed;
        if (std::filesystem::read_symlink(file.path(), closed).string().starts_with("socket:"))
            sockets.push_back(std::stoi(file.path().filename().string()));
    }
    for (const int fd : sockets)
        ::close(fd);
}

// A process that runs `prepare` and then `go_on`, and is killed at the end of the test.
class other_process {
public:
    template <class F>
    explicit other_process(F prepare) : other_process(prepare, [] {}) {}
    template <class F, class G>
    other_process(F prepare, G go_on) {
        std::array<int, 2> ready{};
        EXPECT_EQ(::pipe(ready.data()), 0);
        pid = ::fork();
        if (pid == 0) {
            prepare();
            EXPECT_EQ(::write(ready[1], "x", 1), 1);
            ::close(ready[1]);
            go_on();
            for (;;)
                ::pause();
        }
        ::close(ready[1]);
        char one = 0;
        EXPECT_EQ(::read(ready[0], &one, 1), 1);
        ::close(ready[0]);
    }
    ~other_process() {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    pid_t pid;
};

TEST(cadre_top, a_program_without_a_runtime) {
    const other_process other([] { close_sockets(); });
    const auto [status, text] = top(other.pid);
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("is not a cadre program"), std::string::npos) << text;
}

TEST(cadre_top, a_fork_of_a_program) {
    const other_process other([] {});
    const auto [status, text] = top(other.pid);
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("its socket belongs to process " + std::to_string(::getpid())), std::string::npos) << text;
}

TEST(cadre_top, a_worker) {
    const executor ex = process_executor{{.workers = 1}};
    const auto [status, text] = top(cadre::sync_wait(cadre::on(ex, worker_pid)));
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("is not a cadre program"), std::string::npos) << text;
}

// In a child: listens under the name `name`.
int listen_as(const std::string& name) {
    close_sockets();
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    EXPECT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())),
              0);
    EXPECT_EQ(::listen(socket, 1), 0);
    return socket;
}

// The beginning of all names, and a version.
std::string name_of(unsigned version) {
    return std::string(observation::name_prefix) + std::to_string(version) + '.' + std::to_string(::getpid());
}
std::string bytes_of(std::uint64_t size) { return {reinterpret_cast<const char*>(&size), sizeof size}; }

TEST(cadre_top, another_version) {
    const other_process other([] { listen_as(name_of(observation::version + 1)); });
    const auto [status, text] = top(other.pid);
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("another version of cadre (protocol 2, this cadre-top: 1)"), std::string::npos) << text;
}

TEST(cadre_top, a_program_that_does_not_answer) {
    const other_process other([] { listen_as(name_of(observation::version)); });
    const auto [status, text] = top(other.pid);
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("does not respond"), std::string::npos) << text;
}

TEST(cadre_top, malformed_answers) {
    const std::string huge = bytes_of(observation::max_size + 1);
    const std::string garbage = bytes_of(64) + std::string(64, '\xff');
    const std::string cut = bytes_of(64) + std::string(10, '\0');
    for (const std::string& answer : {huge, garbage, cut}) {
        int socket = -1;
        const other_process other([&] { socket = listen_as(name_of(observation::version)); },
                                  [&] {
                                      const int connection = ::accept(socket, nullptr, nullptr);
                                      static_cast<void>(::write(connection, answer.data(), answer.size()) < 0);
                                      ::close(connection);
                                  });
        const auto [status, text] = top(other.pid);
        EXPECT_EQ(status, 1);
        EXPECT_TRUE(text.find("malformed reply") != std::string::npos ||
                    text.find("closed the connection") != std::string::npos)
            << text;
    }
}

// The name of the socket on which this program listens.
std::string own_socket() {
    std::ifstream table("/proc/self/net/unix");
    std::vector<std::string> inodes;
    for (const auto& file : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code closed;
        inodes.push_back(std::filesystem::read_symlink(file.path(), closed).string());
    }
    for (std::string line; std::getline(table, line);) {
        const std::size_t at = line.find('@' + std::string(observation::name_prefix));
        if (at == std::string::npos) continue;
        const std::string before = line.substr(0, at - 1);
        const std::string inode = "socket:[" + before.substr(before.find_last_of(' ') + 1) + ']';
        if (std::ranges::find(inodes, inode) != inodes.end()) return line.substr(at + 1);
    }
    return {};
}

TEST(cadre_top, another_user_gets_nothing) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can become another user";
    }
    const std::string name = own_socket();
    ASSERT_FALSE(name.empty());
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
        const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path + 1, name.data(), name.size());
        if (::connect(socket, reinterpret_cast<const sockaddr*>(&address),
                      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())) != 0)
            ::_exit(3);
        char byte = 0;
        ::_exit(::read(socket, &byte, 1) <= 0 ? 0 : 4);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(top(::getpid()).status, 0);  // and others still do
}

}  // namespace
