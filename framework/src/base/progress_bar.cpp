#include <cadre/progress_bar.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <mutex>
#include <string>
#include <utility>

#include <unistd.h>

#include "base/bar_terminal.hpp"
#include "base/progress_line.hpp"

namespace cadre {

namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto redraw_interval = 100ms;
constexpr auto log_interval = 10s;
constexpr double rate_memory = 5;  // seconds: older items count less

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// The bars of this process.
struct shared_terminal {
    std::mutex mutex;  // under it: writes to standard error
    detail::bar_terminal lines{STDERR_FILENO};
};
shared_terminal& terminal() {
    static auto* const all = new shared_terminal;  // never destroyed: a bar may be static
    return *all;
}

}  // namespace

struct progress_bar::state {
    std::string title;
    bool on_terminal = false;
    bool shown = false;  // a line on the terminal, or one in the log
    clock::time_point began = clock::now();
    clock::time_point drawn = began;
    std::size_t done = 0;
    std::size_t total = 0;
    double rate = 0;
    clock::time_point measured = began;  // the rate, when `measured_done` items had ended
    std::size_t measured_done = 0;

    [[nodiscard]] detail::progress_state at(clock::time_point now) const {
        return {.title = title, .done = done, .total = total, .rate = rate, .elapsed = now - began};
    }
    // Another map counts from the start again.
    void begin_again(clock::time_point now) {
        began = measured = now;
        measured_done = 0;
        rate = 0;
    }
    void count(clock::time_point now, std::size_t done_now, std::size_t total_now) {
        if (done_now < done / 2) begin_again(now);  // threads that count for one bar fall behind by a few
        done = done_now;
        total = total_now;
    }
    void measure(clock::time_point now) {
        if (done < measured_done) begin_again(now);
        const double seconds = std::chrono::duration<double>(now - measured).count();
        if (seconds <= 0) return;
        const double present = static_cast<double>(done - measured_done) / seconds;
        const double all = std::chrono::duration<double>(now - began).count();
        const double weight = std::max(seconds / all, 1 - std::exp(-seconds / rate_memory));  // at first the average
        rate += weight * (present - rate);
        measured = now;
        measured_done = done;
    }
    void log(const std::string& line) const { std::fprintf(stderr, "%s\n", line.c_str()); }
};

progress_bar::progress_bar(std::string title) : state_(new state) {
    state_->title = std::move(title);
    std::ranges::replace_if(state_->title, is_control, ' ');  // a line is one line
    state_->on_terminal = detail::bar_terminal::suits(STDERR_FILENO);
}

progress_bar::~progress_bar() {
    shared_terminal& t = terminal();
    const std::lock_guard hold(t.mutex);
    state& s = *state_;
    if (!s.shown) return;
    const clock::time_point now = clock::now();
    s.rate = static_cast<double>(s.done) / std::chrono::duration<double>(now - s.began).count();
    detail::progress_state last = s.at(now);
    if (s.done < s.total) last.rate = 0;  // the map has ended early: there is no remaining time to show
    if (s.on_terminal)
        t.lines.remove(this, detail::progress_log_line(last));
    else
        s.log(detail::progress_log_line(last));
}

void progress_bar::operator()(std::size_t done, std::size_t total) {
    shared_terminal& t = terminal();
    const std::lock_guard hold(t.mutex);
    state& s = *state_;
    const clock::time_point now = clock::now();
    s.count(now, done, total);
    // On a terminal nothing is shown for work that ends at once.
    if (now - s.drawn < (s.on_terminal ? clock::duration(redraw_interval) : clock::duration(log_interval))) return;
    s.drawn = now;
    s.measure(now);
    const bool first = !std::exchange(s.shown, true);
    if (!s.on_terminal) {
        s.log(detail::progress_log_line(s.at(now)));
        return;
    }
    if (first) t.lines.add(this);
    t.lines.show(this, detail::progress_line(s.at(now), t.lines.width()));
}

}  // namespace cadre
