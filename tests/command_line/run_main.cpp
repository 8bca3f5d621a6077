// A main task that ends in the way that its argument names.

#include <cadre/cadre.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace {

std::string ending;

int fail() { throw std::out_of_range("seven"); }
int crash() { return std::raise(SIGSEGV); }
// Waits for its stop request and reports it.
cadre::task<int> report_stop(cadre::channel<int> begun) {
    co_await begun.send(1);
    const auto slept = co_await cadre::as_outcome(cadre::sleep_for(std::chrono::hours(1)));
    std::fputs(slept.has_value() ? "not stopped\n" : "stopped\n", stderr);
    co_return 0;
}
// Ignores its stop request for longer than the end of the runtime waits in silence.
cadre::task<int> linger(cadre::channel<int> begun) {
    co_await begun.send(1);
    co_await cadre::shield(cadre::sleep_for(std::chrono::milliseconds(3'500)));
    co_return 0;
}

cadre::task<int> app(cadre::executor ex) {
    if (ending == "fail") co_await cadre::on(ex, fail);
    if (ending == "crash") co_await cadre::on(ex.with({.name = "crash"}), crash);
    if (ending == "drop" || ending == "linger") {
        const cadre::channel<int> begun(ex, 1);
        auto job = ending == "drop" ? cadre::spawn(ex, report_stop, begun)
                                    : cadre::spawn(ex.with({.name = "lingering"}), linger, begun);
        (void)co_await begun.receive();
    }
    co_return ending == "seven" ? 7 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1) ending = argv[1];
    if (ending == "leave") {  // the error leaves `main`
        ending = argv[2];
        cadre::runtime rt(argc, argv);
        return rt.run(app(rt.executor()));
    }
    if (ending == "abort") {
        const cadre::runtime rt(argc, argv);
        std::abort();
    }
    return cadre::run_main(argc, argv, app);
}
