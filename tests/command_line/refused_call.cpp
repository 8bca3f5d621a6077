// A system call is refused from the start of the program on, for its workers too: refused_call NAME START. Prints the
// error.

#include <cadre/cadre.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string_view>
#include <utility>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace {

constexpr std::array<std::pair<std::string_view, unsigned>, 9> calls{{{"openat", SYS_openat},
                                                                      {"fallocate", SYS_fallocate},
                                                                      {"memfd_create", SYS_memfd_create},
                                                                      {"pidfd_open", SYS_pidfd_open},
                                                                      {"eventfd", SYS_eventfd2},
                                                                      {"thread", SYS_clone3},
                                                                      {"sigaction", SYS_rt_sigaction},
                                                                      {"fchdir", SYS_fchdir},
                                                                      {"read", SYS_read}}};

bool refuse(std::string_view name) {
    for (const auto& [known, number] : calls) {
        if (known != name) continue;
        sock_filter filter[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 1, 0),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        };
        const sock_fprog program{4, filter};
        return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
    }
    return false;
}

int twice(int x) { return 2 * x; }

cadre::start_method start = cadre::start_method::forkserver;

cadre::task<int> app() {
    try {
        const cadre::executor ex = cadre::process_executor{{.workers = 2, .start = start, .name = "cpu"}};
        std::printf("%d\n", co_await cadre::on(ex, twice, 2));
    } catch (const cadre::config_error& e) {
        std::printf("%s\n", e.what());
    }
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    // A spawned worker has the filter of its parent, and no arguments.
    if (argc == 3) {
        if (!refuse(argv[1])) return 1;
        if (std::string_view(argv[2]) == "spawn") start = cadre::start_method::spawn;
        argc = 1;
    }
    return cadre::run_main(argc, argv, app);
}
