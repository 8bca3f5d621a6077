// cadre-top PID: shows the executors and workers of a running program.

#include "connection.hpp"
#include "table.hpp"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <unistd.h>

namespace {

constexpr const char* usage =
    "usage: cadre-top [--once] [--interval=SECONDS] PID\n"
    "Shows the executors and workers of a running cadre program of the same user; Ctrl-C ends cadre-top.\n"
    "  --once               prints one table and exits\n"
    "  --interval=SECONDS   the time between two tables; default: 1\n";

struct options {
    pid_t pid = 0;
    bool once = false;
    std::chrono::seconds interval{1};
};

template <class Number>
std::optional<Number> positive(std::string_view text) {
    Number n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || end != text.data() + text.size() || n <= 0) return std::nullopt;
    return n;
}

std::optional<options> parse(int argc, char** argv) {
    constexpr std::string_view interval = "--interval=";
    options o;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--once") {
            o.once = true;
        } else if (word.starts_with(interval)) {
            const auto n = positive<int>(word.substr(interval.size()));
            if (!n) return std::nullopt;
            o.interval = std::chrono::seconds(*n);
        } else {
            const auto pid = positive<pid_t>(word);
            if (!pid || o.pid != 0) return std::nullopt;
            o.pid = *pid;
        }
    }
    return o.pid != 0 ? std::optional(o) : std::nullopt;
}

// Moves the cursor home, prints the text and clears the rest of each line and of the screen.
std::string as_screen(const std::string& text) {
    std::string screen = "\x1b[H";
    for (const char c : text)
        screen += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
    return screen + "\x1b[J";
}

// @return false if the reader has closed the stream
bool print(const std::string& text) { return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0; }

void show(const options& o) {
    const cadre::top::connection program(o.pid);
    std::optional<cadre::detail::observation::program> before;
    const bool terminal = ::isatty(STDOUT_FILENO) != 0 && !o.once;
    for (;;) {
        auto now = program.observe();
        const std::string text = cadre::top::table(now, before ? &*before : nullptr);
        if (!print(terminal ? as_screen(text) : text) || o.once) return;
        before = std::move(now);
        std::this_thread::sleep_for(o.interval);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0)) {
        std::fputs(usage, stdout);
        return 0;
    }
    const auto options = parse(argc, argv);
    if (!options) {
        std::fputs(usage, stderr);
        return 2;
    }
    try {
        show(*options);
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "cadre-top: %s\n", e.what());
        return 1;
    }
}
