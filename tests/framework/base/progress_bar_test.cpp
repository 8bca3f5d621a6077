// progress_bar: what it shows on a terminal, in a pseudo-terminal whose screen the test computes, and in a log.
#include <cadre/progress_bar.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bar_terminal.hpp"
#include "base/progress_line.hpp"

// Read by the leak check of AddressSanitizer at the end of a process: what it reports in a child of a test would go to
// the terminal that the test reads.
extern "C" int __lsan_is_turned_off();  // NOLINT(bugprone-reserved-identifier): a name of the sanitizer
static bool looks_for_leaks = true;
int __lsan_is_turned_off() { return looks_for_leaks ? 0 : 1; }

namespace {

using namespace std::chrono_literals;
using cadre::detail::progress_line;
using cadre::detail::progress_log_line;
using cadre::detail::progress_state;

TEST(progress_line, fits_its_width) {
    const progress_state s{.title = "decoding", .done = 420, .total = 1000, .rate = 35.25, .elapsed = 12s};
    EXPECT_EQ(progress_line(s, 60), "decoding   42% [=======>          ] 420/1000 35.2/s 17s left");
    for (std::size_t width = 1; width < 120; ++width)
        EXPECT_LE(progress_line(s, width).size(), width);
    EXPECT_EQ(progress_line(s, 79).size(), 79u);
    EXPECT_EQ(progress_line(s, 30), "decoding   42% 420/1000 35.2/s");
}

TEST(progress_line, says_what_it_knows) {
    EXPECT_EQ(progress_line({.title = "reading", .done = 7, .rate = 3.5, .elapsed = 2s}, 40), "reading 7 3.5/s in 2s");
    const progress_state all{.title = "all", .done = 10, .total = 10, .rate = 2, .elapsed = 3700s};
    EXPECT_EQ(progress_line(all, 50), "all  100% [===============] 10/10 2.0/s in 1:01:40");
    EXPECT_EQ(progress_line({.title = "größer", .done = 0, .total = 4, .elapsed = 0s}, 6), "größer");
    EXPECT_EQ(progress_line({.title = "größer", .done = 0, .total = 4, .elapsed = 0s}, 3), "grö");
    EXPECT_EQ(progress_log_line({.title = "a", .done = 1, .total = 4, .rate = 0.01, .elapsed = 1s}),
              "a: 1/4 (25%), 0.0/s, 5:00 left");
}

/// A screen that understands what the bar writes.
class screen {
public:
    screen(std::size_t rows, std::size_t columns) : rows_(rows, std::string(columns, ' ')), bottom_(rows) {}

    void feed(std::string_view bytes) {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            const char c = bytes[i];
            if (c == '\n')
                new_line();
            else if (c == '\r')
                column_ = 0;
            else if (c != '\x1b')
                put(c);
            else if (bytes[i + 1] != '[')
                cursor(bytes[++i]);
            else
                i = control(bytes, i + 2);
        }
    }
    [[nodiscard]] std::string row(std::size_t i) const {
        const std::string& r = rows_[i];
        return r.substr(0, r.find_last_not_of(' ') + 1);
    }

private:
    void new_line() {
        if (row_ + 1 == bottom_) {
            rows_.erase(rows_.begin());
            rows_.insert(rows_.begin() + static_cast<std::ptrdiff_t>(bottom_) - 1, std::string(rows_[0].size(), ' '));
        } else if (row_ + 1 < rows_.size()) {
            ++row_;
        }
    }
    void put(char c) {
        ASSERT_LT(column_, rows_[row_].size());
        rows_[row_][column_++] = c;
    }
    void cursor(char c) {
        if (c == '7') saved_ = {row_, column_};
        if (c == '8') {
            row_ = saved_[0];
            column_ = saved_[1];
        }
    }
    std::size_t control(std::string_view bytes, std::size_t at) {
        std::vector<std::size_t> numbers{0};
        for (; bytes[at] == ';' || (bytes[at] >= '0' && bytes[at] <= '9'); ++at)
            if (bytes[at] == ';')
                numbers.push_back(0);
            else
                numbers.back() = numbers.back() * 10 + static_cast<std::size_t>(bytes[at] - '0');
        switch (bytes[at]) {
            case 'H':
                row_ = numbers[0] - 1;
                column_ = numbers[1] - 1;
                break;
            case 'A': row_ -= std::min(row_, numbers[0]); break;
            case 'J':
                rows_[row_].replace(column_, std::string::npos, rows_[row_].size() - column_, ' ');
                for (std::size_t i = row_ + 1; i < rows_.size(); ++i)
                    rows_[i].assign(rows_[i].size(), ' ');
                break;
            case 'K': rows_[row_].replace(column_, std::string::npos, rows_[row_].size() - column_, ' '); break;
            case 'r':
                bottom_ = numbers.size() == 2 ? numbers[1] : rows_.size();
                row_ = column_ = 0;
                break;
            default: ADD_FAILURE() << "unknown control " << bytes[at];
        }
        return at;
    }

    std::vector<std::string> rows_;
    std::size_t row_ = 0;
    std::size_t column_ = 0;
    std::size_t bottom_;
    std::array<std::size_t, 2> saved_{};
};

/// Standard error is a pseudo-terminal, or a pipe, for the time of a test.
class progress_bar : public ::testing::Test {
protected:
    progress_bar() : stderr_(::dup(STDERR_FILENO)) { ::setenv("TERM", "xterm", 1); }
    ~progress_bar() override {
        ::dup2(stderr_, STDERR_FILENO);
        ::close(stderr_);
        ::close(reading_);
    }
    void to_terminal(unsigned short rows, unsigned short columns) {
        const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
        int slave = -1;
        ASSERT_EQ(::openpty(&reading_, &slave, nullptr, nullptr, &size), 0);
        redirect(slave);
    }
    void to_pipe() {
        std::array<int, 2> ends{};
        ASSERT_EQ(::pipe(ends.data()), 0);
        reading_ = ends[0];
        redirect(ends[1]);
    }
    [[nodiscard]] std::string written() const {
        std::string all;
        std::array<char, 4096> some{};
        for (ssize_t n = 0; (n = ::read(reading_, some.data(), some.size())) > 0;)
            all.append(some.data(), static_cast<std::size_t>(n));
        return all;
    }
    /// Another process writes to the same terminal.
    static void print_elsewhere(const std::string& text) {
        ASSERT_EQ(std::system(("printf '" + text + "' >&2").c_str()), 0);
    }

private:
    void redirect(int fd) const {
        ::dup2(fd, STDERR_FILENO);
        ::close(fd);
        ::fcntl(reading_, F_SETFL, O_NONBLOCK);
    }
    int stderr_;
    int reading_ = -1;
};

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; ++at)
        ++n;
    return n;
}

constexpr auto interval = 110ms;  // a little more than that between two redraws

TEST_F(progress_bar, has_a_line_of_its_own_on_a_terminal) {
    to_terminal(6, 60);
    screen s(6, 60);
    {
        cadre::progress_bar bar{"decoding"};
        std::this_thread::sleep_for(interval);
        bar(25, 100);
        s.feed(written());
        EXPECT_TRUE(s.row(5).starts_with("decoding   25% [")) << s.row(5);
        EXPECT_NE(s.row(5).find("25/100"), std::string::npos);
        EXPECT_NE(s.row(5).find("/s"), std::string::npos);
        EXPECT_NE(s.row(5).find("left"), std::string::npos);
        EXPECT_LT(s.row(5).size(), 60u);
        for (int i = 1; i <= 9; ++i)
            print_elsewhere("worker " + std::to_string(i) + "\\n");
        std::this_thread::sleep_for(interval);
        bar(50, 100);
        print_elsewhere("worker 10\\n");
        s.feed(written());
        EXPECT_TRUE(s.row(5).starts_with("decoding   50% [")) << s.row(5);
        for (std::size_t i = 0; i < 4; ++i)
            EXPECT_EQ(s.row(i), "worker " + std::to_string(i + 7));
        EXPECT_EQ(s.row(4), "");
    }
    s.feed(written());
    EXPECT_EQ(s.row(5), "");
    EXPECT_TRUE(s.row(3).starts_with("decoding: 50/100 (50%)") || s.row(4).starts_with("decoding: 50/100 (50%)"));
    print_elsewhere("a\\nb\\nc\\n");  // the whole screen scrolls again
    s.feed(written());
    EXPECT_EQ(s.row(4), "c");
}

TEST_F(progress_bar, is_redrawn_ten_times_a_second_at_most) {
    to_terminal(6, 60);
    const auto began = std::chrono::steady_clock::now();
    cadre::progress_bar bar{"decoding"};
    std::size_t done = 0;
    while (std::chrono::steady_clock::now() - began < 450ms)
        bar(++done, 1'000'000'000);
    const auto tenths = static_cast<std::size_t>((std::chrono::steady_clock::now() - began) / 100ms);
    const std::size_t drawn = count(written(), "decoding");
    EXPECT_GE(drawn, 1u);
    EXPECT_LE(drawn, tenths);
}

TEST_F(progress_bar, measures_a_second_map_anew) {
    to_terminal(6, 60);
    cadre::progress_bar bar{"decoding"};
    std::this_thread::sleep_for(interval);
    bar(1'000'000, 1'000'000);
    EXPECT_EQ(count(written(), "1000000/1000000"), 1u);
    const auto began = std::chrono::steady_clock::now();
    std::size_t done = 0;
    while (std::chrono::steady_clock::now() - began < 250ms) {
        bar(++done, 1'000'000);
        std::this_thread::sleep_for(1ms);
    }
    std::this_thread::sleep_for(interval);
    bar(++done, 1'000'000);
    const auto tenths = static_cast<std::size_t>((std::chrono::steady_clock::now() - began) / 100ms);
    const std::string second = written();
    EXPECT_LE(count(second, "decoding"), tenths + 1) << second;
    const std::size_t rate = second.rfind("/s");
    ASSERT_NE(rate, std::string::npos) << second;
    EXPECT_LE(std::stod(second.substr(second.rfind(' ', rate))), 2000) << second;  // the million does not count
}

TEST_F(progress_bar, has_one_line_whatever_its_title) {
    to_terminal(6, 60);
    cadre::progress_bar bar{"two\nlines\x1b[2J"};
    std::this_thread::sleep_for(interval);
    bar(1, 2);
    const std::string bytes = written();
    EXPECT_NE(bytes.find("two lines [2J"), std::string::npos) << bytes;
}

TEST_F(progress_bar, gives_the_screen_back_if_the_program_ends_without_its_destructor) {
    to_terminal(6, 60);
    screen s(6, 60);
    const pid_t child = ::fork();
    if (child == 0) {
        looks_for_leaks = false;
        cadre::progress_bar bar{"decoding"};
        std::this_thread::sleep_for(interval);
        bar(1, 2);
        std::exit(3);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 3);
    const std::string bytes = written();
    EXPECT_EQ(count(bytes, "decoding"), 1u) << bytes;
    s.feed(bytes);
    print_elsewhere("a\\nb\\nc\\nd\\ne\\nf\\n");
    s.feed(written());
    EXPECT_EQ(s.row(4), "f");
    EXPECT_EQ(s.row(5), "");
}

TEST_F(progress_bar, stays_when_a_fork_of_the_program_ends) {
    to_terminal(6, 60);
    cadre::progress_bar bar{"decoding"};
    std::this_thread::sleep_for(interval);
    bar(1, 2);
    static_cast<void>(written());
    const pid_t child = ::fork();
    if (child == 0) {
        cadre::detail::release_bar_terminal();
        ::_exit(0);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    EXPECT_EQ(written(), "");
}

TEST_F(progress_bar, several_have_a_line_each) {
    to_terminal(6, 60);
    screen s(6, 60);
    {
        cadre::progress_bar first{"first"};
        cadre::progress_bar second{"second"};
        std::this_thread::sleep_for(interval);
        first(1, 2);
        second(2, 2);
        s.feed(written());
        EXPECT_TRUE(s.row(4).starts_with("first"));
        EXPECT_TRUE(s.row(5).starts_with("second"));
        print_elsewhere("a\\nb\\nc\\nd\\ne\\n");
        s.feed(written());
        EXPECT_EQ(s.row(2), "e");
        EXPECT_TRUE(s.row(4).starts_with("first"));
    }
    s.feed(written());
    EXPECT_EQ(s.row(5), "");
    EXPECT_EQ(s.row(4), "");
}

TEST_F(progress_bar, writes_no_control_characters_elsewhere) {
    to_pipe();
    {
        cadre::progress_bar bar{"decoding"};
        std::this_thread::sleep_for(interval);
        bar(1, 2);
        bar(2, 2);
    }
    EXPECT_EQ(written(), "");  // a line every ten seconds
}

TEST_F(progress_bar, shows_nothing_for_work_that_ends_at_once) {
    to_terminal(6, 60);
    {
        cadre::progress_bar bar{"decoding"};
        bar(1, 1);
    }
    EXPECT_EQ(written(), "");
}

}  // namespace
