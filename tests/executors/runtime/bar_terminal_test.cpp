// A program that ends by a signal or an exception gives back the screen on which it shows a progress bar.
#include "executors/runtime/death_test.hpp"

#include <cadre/progress_bar.hpp>
#include <cadre/runtime.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

cadre::task<void> sleep_until_stopped(int signal) {
    std::raise(signal);
    co_await cadre::sleep_for(1h);
}

// The second signal ends the program while the task ignores the first.
cadre::task<void> ignore_the_first(int signal) {
    std::raise(signal);
    std::raise(signal);
    co_await cadre::shield(cadre::sleep_for(1h));
}

cadre::task<void> fail() {
    throw std::runtime_error("no");
    co_return;
}

// The bar outlives the run, as one in `main` does.
template <class Main>
[[noreturn]] void with_a_bar(int terminal, Main main) noexcept {
    ::dup2(terminal, STDERR_FILENO);
    ::setenv("TERM", "xterm", 1);
    cadre::config c;
    c.executor = "serial";
    cadre::runtime rt(c);
    cadre::progress_bar bar{"decoding"};
    std::this_thread::sleep_for(110ms);
    bar(1, 2);
    rt.run(main());
    std::_Exit(0);
}

// A "threadsafe" death test executes the program again, up to the statement: the environment names the terminal.
constexpr const char* terminal_variable = "CADRE_TEST_TERMINAL";

class bar_terminal_DeathTest : public cadre::tests::death_test {
protected:
    void SetUp() override {
        if (const char* const name = std::getenv(terminal_variable); name != nullptr) {
            terminal_ = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
            ASSERT_GE(terminal_, 0);
            return;
        }
        const winsize size{.ws_row = 6, .ws_col = 60, .ws_xpixel = 0, .ws_ypixel = 0};
        ASSERT_EQ(::openpty(&reading_, &terminal_, nullptr, nullptr, &size), 0);
        ::fcntl(reading_, F_SETFL, O_NONBLOCK);
        ASSERT_EQ(::setenv(terminal_variable, ::ttyname(terminal_), 1), 0);
    }
    void TearDown() override {
        ::unsetenv(terminal_variable);
        ::close(reading_);
        ::close(terminal_);
    }
    [[nodiscard]] int terminal() const { return terminal_; }
    void expect_released() const {
        std::string all;
        std::array<char, 4096> some{};
        for (ssize_t n = 0; (n = ::read(reading_, some.data(), some.size())) > 0;)
            all.append(some.data(), static_cast<std::size_t>(n));
        EXPECT_NE(all.find("decoding"), std::string::npos) << all;
        const std::size_t set = all.rfind("\x1b[1;5r");
        EXPECT_NE(set, std::string::npos) << all;
        const std::size_t released = all.rfind("\x1b[r");
        EXPECT_TRUE(released != std::string::npos && released > set) << all;
    }

private:
    int reading_ = -1;
    int terminal_ = -1;
};

TEST_F(bar_terminal_DeathTest, is_released_by_the_signal_that_stops_the_main_task) {
    EXPECT_EXIT(with_a_bar(terminal(), [] { return sleep_until_stopped(SIGINT); }), ::testing::KilledBySignal(SIGINT),
                "");
    expect_released();
}

TEST_F(bar_terminal_DeathTest, is_released_by_the_second_signal) {
    EXPECT_EXIT(with_a_bar(terminal(), [] { return ignore_the_first(SIGINT); }), ::testing::ExitedWithCode(130), "");
    expect_released();
}

TEST_F(bar_terminal_DeathTest, is_released_by_sigquit) {
    EXPECT_EXIT(with_a_bar(terminal(), [] { return sleep_until_stopped(SIGQUIT); }), ::testing::KilledBySignal(SIGQUIT),
                "");
    expect_released();
}

TEST_F(bar_terminal_DeathTest, is_released_by_an_exception_that_leaves_main) {
    EXPECT_EXIT(with_a_bar(terminal(), [] { return fail(); }), ::testing::KilledBySignal(SIGABRT), "");
    expect_released();
}

}  // namespace
