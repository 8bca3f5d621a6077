#include "process/os/bootstrap.hpp"

#include "process/os/launch_protocol.hpp"
#include "process/os/process_setup.hpp"
#include "process/os/reexecute.hpp"
#include "process/os/syscalls.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

namespace cadre::detail::process_os {
namespace {

constexpr std::string_view role_variable = "CADRE_PROCESS_ROLE=";
constexpr int role_socket = 3;

// How this process was started. Never destroyed: threads may start workers during static destruction.
struct start_record {
    std::vector<std::string> arguments;
    std::vector<std::string> environment;
    std::size_t threads = 0;
    int threads_error = 0;  // if their number is unknown
};
const start_record* started = nullptr;

void remember_start(int argc, char** argv) {
    auto* record = new start_record;
    for (int i = 0; i < argc; ++i)
        record->arguments.emplace_back(argv[i]);
    for (char** e = environ; e != nullptr && *e != nullptr; ++e)
        record->environment.emplace_back(*e);
    record->threads = thread_count();
    record->threads_error = record->threads == 0 ? errno : 0;
    started = record;
}

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    for (const std::string& s : strings)
        pointers.push_back(const_cast<char*>(s.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

[[noreturn]] void run_spawned_worker() {
    std::optional<worker_request> request;
    {
        const unique_fd socket{role_socket};
        received_message message = receive_message(socket.get());
        if (message.what == received_message::kind::message)
            request = decode_request(message.bytes, std::move(message.fds));
    }
    if (!request) ::_exit(worker_start_failed);  // the parent ended before it sent the request
    become_worker(std::move(*request));
}

// `role` is "server PID" or "worker PID" with the id of the process that started this one.
[[noreturn]] void run_role(std::string_view role) {
    const auto space = role.find(' ');
    pid_t parent = 0;
    if (space != std::string_view::npos) std::from_chars(role.data() + space + 1, role.data() + role.size(), parent);
    if (parent <= 0 || ::getppid() != parent || ::fcntl(role_socket, F_SETFD, FD_CLOEXEC) != 0)
        ::_exit(worker_start_failed);
    if (role.substr(0, space) == "server") {
        // The server is no child of the program, which may wait for all of its children.
        if (const pid_t server = ::fork(); server != 0) ::_exit(server < 0 ? errno : 0);
        run_fork_server(role_socket);
    }
    run_spawned_worker();
}

class spawn_settings {
public:
    explicit spawn_settings(int socket) {
        check(::posix_spawn_file_actions_init(&actions_), "posix_spawn_file_actions_init");
        check(::posix_spawnattr_init(&attributes_), "posix_spawnattr_init");
        // With equal numbers this only clears close-on-exec.
        check(::posix_spawn_file_actions_adddup2(&actions_, socket, role_socket), "posix_spawn_file_actions_adddup2");
        check(::posix_spawn_file_actions_addclosefrom_np(&actions_, role_socket + 1),
              "posix_spawn_file_actions_addclosefrom_np");
        sigset_t none;
        ::sigemptyset(&none);
        check(::posix_spawnattr_setsigmask(&attributes_, &none), "posix_spawnattr_setsigmask");
        check(::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK),
              "posix_spawnattr_setflags");
    }
    ~spawn_settings() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    spawn_settings(const spawn_settings&) = delete;
    spawn_settings& operator=(const spawn_settings&) = delete;

    [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

    static void check(int error, const char* call) {
        if (error != 0) throw std::system_error(error, std::system_category(), call);
    }

private:
    posix_spawn_file_actions_t actions_;
    posix_spawnattr_t attributes_;
};

}  // namespace

void bootstrap(int argc, char** argv) {
    if (started != nullptr) return;
    const std::string name{role_variable.substr(0, role_variable.size() - 1)};
    const char* role = ::getenv(name.c_str());
    const std::string copy = role != nullptr ? role : "";
    // Programs that this one starts must not inherit the variable, and the record must not repeat it.
    ::unsetenv(name.c_str());
    try {
        open_missing_standard_fds();
        remember_start(argc, argv);
        if (role != nullptr) run_role(copy);
    } catch (const std::exception& e) {
        if (role == nullptr) throw;
        std::fprintf(stderr, "cadre: the %s could not start: %s\n",
                     copy.starts_with("server") ? "fork server" : "worker process", e.what());
        ::_exit(worker_start_failed);
    }
}

bool bootstrapped() noexcept { return started != nullptr; }

std::size_t threads_at_start() noexcept { return started != nullptr ? started->threads : 0; }

pid_t reexecute(process_role role, int socket) {
    // A program that may not open files here cannot load its libraries after the exec either: each attempt would fail.
    if (started->threads == 0)
        throw std::system_error(started->threads_error, std::system_category(), "opening /proc/self/task");
    std::vector<std::string> environment = started->environment;
    environment.push_back(std::string(role_variable) + (role == process_role::fork_server ? "server " : "worker ") +
                          std::to_string(::getpid()));
    const std::vector<char*> arguments = pointers_to(started->arguments);
    const std::vector<char*> variables = pointers_to(environment);
    const unique_fd above_standard = duplicate(socket);
    const spawn_settings settings{above_standard.get()};
    pid_t pid = 0;
    // The link refers to the running file, even if another file has taken its name.
    spawn_settings::check(::posix_spawn(&pid, "/proc/self/exe", settings.actions(), settings.attributes(),
                                        arguments.data(), variables.data()),
                          "posix_spawn");
    return pid;
}

}  // namespace cadre::detail::process_os
