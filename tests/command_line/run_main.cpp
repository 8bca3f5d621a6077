// A main task that ends as its argument says.

#include <cadre/cadre.hpp>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>

namespace {

std::string ending;

int fail() { throw std::out_of_range("seven"); }
int crash() { return std::raise(SIGSEGV); }
// Ignores stop requests for longer than the patience of the runtime's end.
int linger() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(3'500);
    int rounds = 0;
    while (std::chrono::steady_clock::now() < end)
        ++rounds;
    return rounds;
}

cadre::task<int> app(cadre::executor ex) {
    if (ending == "fail") {
        co_await cadre::on(ex, fail);
    }
    if (ending == "crash") {
        co_await cadre::on(ex.with({.name = "crash"}), crash);
    }
    if (ending == "linger") {
        auto started = cadre::spawn(ex.with({.name = "lingering"}), linger);
        co_await cadre::sleep_for(std::chrono::milliseconds(100));
    }
    co_return ending == "seven" ? 7 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1) {
        ending = argv[1];
    }
    if (ending == "leave") {  // the error leaves `main`
        ending = argv[2];
        cadre::runtime rt(argc, argv);
        return rt.run(app(rt.executor()));
    }
    return cadre::run_main(argc, argv, app);
}
