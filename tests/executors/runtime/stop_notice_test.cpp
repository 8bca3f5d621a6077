// What a program that does not end after Ctrl-C says.

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;

int ignore_the_stop(cadre::shared_value<int> begun) {
    begun.store(1);
    for (;;)
        std::this_thread::sleep_for(1h);
}

// Reads standard error of this process until it contains `text`. @return what came before
std::string read_own_errors(int from, std::string_view text) {
    std::string all;
    while (all.find(text) == std::string::npos) {
        char bytes[512];
        const ssize_t n = ::read(from, bytes, sizeof bytes);
        if (n <= 0) break;
        all.append(bytes, static_cast<std::size_t>(n));
    }
    return all.substr(0, all.find(text));
}

// Blocks the thread of the main task, which therefore does not end by the stop either.
cadre::task<int> interrupted(cadre::executor ex, int errors) {
    const cadre::shared_value<int> begun(ex, 0);
    const auto job = cadre::spawn(ex.with({.name = "stubborn"}), ignore_the_stop, begun);
    while (begun.load() == 0)
        std::this_thread::yield();
    std::raise(SIGINT);
    const std::string before = read_own_errors(errors, "'stubborn'");
    co_return before.starts_with("cadre: SIGINT has requested a stop, and the program has not ended yet; SIGINT again "
                                 "ends it at once. Unfinished:\n")
        ? 7
        : 8;
}

[[noreturn]] void run_interrupted(std::string executor) {
    int ends[2];
    if (::pipe(ends) != 0 || ::dup2(ends[1], STDERR_FILENO) < 0) std::_Exit(1);
    std::string words[] = {"app", "--executor=" + executor};
    char* argv[] = {words[0].data(), words[1].data(), nullptr};
    int argc = 2;
    cadre::runtime rt(argc, argv);
    std::_Exit(rt.run(interrupted(rt.executor(), ends[0])));
}

TEST(stop_notice_DeathTest, names_what_has_not_ended_and_how_to_end_it) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(run_interrupted("thread:1"), ::testing::ExitedWithCode(7), "");
    EXPECT_EXIT(run_interrupted("process:1"), ::testing::ExitedWithCode(7), "");
}

}  // namespace
