#include "base/bar_terminal.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace cadre::detail {

namespace {

constexpr const char* save_cursor = "\x1b"
                                    "7";
constexpr const char* restore_cursor = "\x1b"
                                       "8";

winsize size_of(int fd) noexcept {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0) size = {};
    return size;
}

std::string go_to(std::size_t row) { return "\x1b[" + std::to_string(row) + ";1H"; }

void write_to(int fd, std::string_view text) noexcept {
    for (std::string_view left = text; !left.empty();) {
        const ssize_t n = ::write(fd, left.data(), left.size());
        if (n < 0 && errno != EINTR) return;
        if (n > 0) left.remove_prefix(static_cast<std::size_t>(n));
    }
}

// The process that has set a region, or 0: a fork that ends leaves the bars of its parent alone.
std::atomic<pid_t> shown_by{0};
std::atomic<int> shown_on{-1};

// Once, before the first region is set: `exit` runs no destructors of the objects of functions.
void release_at_exit() { [[maybe_unused]] static const int registered = std::atexit(&release_bar_terminal); }

}  // namespace

void release_bar_terminal() noexcept {
    pid_t owner = ::getpid();
    if (!shown_by.compare_exchange_strong(owner, 0)) return;
    // The cursor is in the region, above the bars: what is below it is erased.
    write_to(shown_on.load(), "\x1b"
                              "7\x1b[r\x1b"
                              "8\x1b[J");
}

bool bar_terminal::suits(int fd) noexcept {
    const char* const term = std::getenv("TERM");
    if (::isatty(fd) == 0 || term == nullptr || std::string_view(term) == "dumb") return false;
    const winsize size = size_of(fd);
    return size.ws_row >= 4 && size.ws_col >= 10;
}

std::size_t bar_terminal::width() const noexcept { return std::max<std::size_t>(2, size_of(fd_).ws_col) - 1; }
std::size_t bar_terminal::height() const noexcept { return std::max<std::size_t>(2, size_of(fd_).ws_row); }

// Setting the region moves the cursor to the top.
std::string bar_terminal::region(std::size_t rows, std::size_t lines) const {
    const std::size_t bottom = rows > lines ? rows - lines : 1;
    return save_cursor + ("\x1b[1;" + std::to_string(bottom) + "r") + restore_cursor;
}

void bar_terminal::draw(std::string& out, std::size_t rows) const {
    out += save_cursor;
    for (std::size_t i = 0; i < lines_.size() && i < rows; ++i)
        out += go_to(rows - lines_.size() + 1 + i) + lines_[i].text + "\x1b[K";
    out += restore_cursor;
}

void bar_terminal::add(const void* bar) {
    lines_.push_back({bar, {}});
    rows_ = height();
    release_at_exit();
    shown_on.store(fd_);
    shown_by.store(::getpid());
    // A new line, in case the cursor is in the last one, and back.
    std::string out = "\n";
    out.append(region(rows_, lines_.size())).append("\x1b[1A");
    draw(out, rows_);
    write_all(out);
}

void bar_terminal::show(const void* bar, std::string text) {
    for (line& l : lines_)
        if (l.bar == bar) l.text = std::move(text);
    const std::size_t rows = height();
    std::string out;
    if (rows != std::exchange(rows_, rows)) out = region(rows, lines_.size());
    draw(out, rows);
    write_all(out);
}

void bar_terminal::remove(const void* bar, const std::string& last_words) {
    std::string out = last_words.empty() ? std::string() : last_words + "\n";
    const std::size_t rows = height();
    out += save_cursor;
    for (std::size_t i = 0; i < lines_.size() && i < rows; ++i)
        out += go_to(rows - i) + "\x1b[K";
    out += restore_cursor;
    std::erase_if(lines_, [&](const line& l) { return l.bar == bar; });
    out += lines_.empty() ? std::string(save_cursor) + "\x1b[r" + restore_cursor : region(rows, lines_.size());
    draw(out, rows);
    rows_ = rows;
    write_all(out);
    if (lines_.empty()) shown_by.store(0);
}

void bar_terminal::write_all(std::string_view text) const noexcept { write_to(fd_, text); }

}  // namespace cadre::detail
