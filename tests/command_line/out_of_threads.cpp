// A worker crashes while this program and its workers can have no new thread.

#include <cadre/cadre.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>

#include <grp.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

int crash() { return std::raise(SIGSEGV); }
int twice(int x) { return 2 * x; }
void initialize() {}

cadre::task<int> app() {
    cadre::process_executor ex{{.workers = 2, .initializer = initialize}};
    (void)co_await cadre::on(ex, twice, 1);
    rlimit limit{};
    ::getrlimit(RLIMIT_NPROC, &limit);
    const rlimit before = limit;
    limit.rlim_cur = 1;
    ::setrlimit(RLIMIT_NPROC, &limit);
    try {
        co_await cadre::on(ex, crash);
    } catch (const cadre::worker_crashed& e) {
        std::printf("signal %d\n", e.signal());
    }
    // The thread of the timers cannot be started either.
    try {
        co_await cadre::timeout(1ms, cadre::sleep_for(1h));
    } catch (const cadre::timed_out& e) {
        std::printf("%s\n", e.what());
    }
    // More failed starts than an initializer may fail before its executor gives up.
    while (cadre::executor(ex).stats().restarts < 6)
        co_await cadre::sleep_for(1ms);
    ::setrlimit(RLIMIT_NPROC, &before);
    std::printf("%d\n", co_await cadre::on(ex, twice, 2));
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    // The limit does not bind root.
    if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0)) return 1;
    return cadre::run_main(argc, argv, app);
}
