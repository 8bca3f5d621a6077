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
    clock::time_point last = began;
    std::size_t done = 0;
    std::size_t total = 0;
    std::size_t last_done = 0;
    double rate = 0;

    [[nodiscard]] detail::progress_state at(clock::time_point now) const {
        return {.title = title, .done = done, .total = total, .rate = rate, .elapsed = now - began};
    }
    void measure(clock::time_point now) {
        const double seconds = std::chrono::duration<double>(now - last).count();
        if (seconds <= 0 || done < last_done) return;
        const double present = static_cast<double>(done - last_done) / seconds;
        const double all = std::chrono::duration<double>(now - began).count();
        const double weight = std::max(seconds / all, 1 - std::exp(-seconds / rate_memory));  // at first the average
        rate += weight * (present - rate);
        last = now;
        last_done = done;
    }
    void log(const std::string& line) const { std::fprintf(stderr, "%s\n", line.c_str()); }
};

progress_bar::progress_bar(std::string title) : state_(std::make_unique<state>()) {
    state_->title = std::move(title);
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
    if (s.done < s.total) last.rate = 0;  // it has ended early: there is no remaining time to show
    if (s.on_terminal)
        t.lines.remove(this, detail::progress_log_line(last));
    else
        s.log(detail::progress_log_line(last));
}

void progress_bar::operator()(std::size_t done, std::size_t total) {
    shared_terminal& t = terminal();
    const std::lock_guard hold(t.mutex);
    state& s = *state_;
    s.done = done;
    s.total = total;
    const clock::time_point now = clock::now();
    if (!s.on_terminal) {
        if (now - s.last < log_interval) return;
        s.measure(now);
        s.shown = true;
        s.log(detail::progress_log_line(s.at(now)));
        return;
    }
    if (now - s.last < redraw_interval) return;  // nothing is shown for work that ends so soon
    s.measure(now);
    if (!std::exchange(s.shown, true)) t.lines.add(this);
    t.lines.show(this, detail::progress_line(s.at(now), t.lines.width()));
}

}  // namespace cadre
