// A program that is traced, and ends as its argument says.

#include <cadre/cadre.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;

std::string ending;

int work(int x) { return x + 1; }
int fail() { throw std::runtime_error("on purpose"); }

// What is recorded is in the file after a twentieth of a second.
cadre::task<void> wait_for_the_file() { co_await cadre::sleep_for(500ms); }

cadre::task<int> app(cadre::executor ex) {
    for (int i = 0; i < 3; ++i)
        co_await cadre::on(ex, work, i);
    if (ending == "fail" || ending == "leave") co_await cadre::on(ex, fail);
    if (ending == "interrupt" || ending == "interrupt_twice") {
        ::kill(::getpid(), SIGINT);
        if (ending == "interrupt") co_await cadre::sleep_for(1h);
        co_await cadre::shield(wait_for_the_file());
        ::kill(::getpid(), SIGINT);
        co_await cadre::shield(cadre::sleep_for(1h));
    }
    if (ending == "exit") std::exit(3);
    if (ending == "kill") {
        co_await wait_for_the_file();
        ::kill(::getpid(), SIGKILL);
    }
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    ending = argc > 1 ? argv[1] : "";
    if (ending != "leave") return cadre::run_main(argc, argv, app);
    cadre::runtime rt(argc, argv);
    return rt.run(app(rt.executor()));  // the error leaves `main`
}
