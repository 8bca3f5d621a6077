// A system call is refused from the start of the program on, for its workers too: refused_call NAME START. Prints the
// error.

#include "../refused_system_call.hpp"

#include <cadre/cadre.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

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
    const auto known = std::ranges::find(calls, name, &std::pair<std::string_view, unsigned>::first);
    return known != calls.end() && cadre::tests::refuse_system_call(known->second);
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
