// A program that is traced, and ends in the way that its argument names.

#include <cadre/cadre.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;

std::string ending;
std::string file;  // of the trace

int work(int x) { return x + 1; }
int fail() { throw std::runtime_error("on purpose"); }

constexpr std::string_view end_of_call = R"json({"ph":"e","cat":"call","name":"(anonymous namespace)::work(int)")json";

// The trace is written in the background: waits until the file contains the three calls.
cadre::task<void> wait_for_the_file() {
    for (std::size_t calls = 0; calls < 3;) {
        co_await cadre::sleep_for(5ms);
        std::ifstream in(file);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        calls = 0;
        for (std::size_t at = 0; (at = text.find(end_of_call, at)) != std::string::npos; ++at)
            ++calls;
    }
}

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
    for (int i = 2; i < argc; ++i)
        if (const std::string_view option = argv[i]; option.starts_with("--trace="))
            file = option.substr(std::string_view("--trace=").size());
    if (ending != "leave") return cadre::run_main(argc, argv, app);
    cadre::runtime rt(argc, argv);
    return rt.run(app(rt.executor()));  // the error leaves `main`
}
