/// @file
/// The lines at the bottom of a terminal that show progress bars.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cadre::detail {

/// Returns the whole screen to the scrolling region and erases the bars, if this process shows any: for a process that
/// ends without the destructors of its bars. Async-signal-safe.
void release_bar_terminal() noexcept;

/// Keeps a line for each bar below a scrolling region (DECSTBM), in which everything else is written: the terminal
/// itself separates what this program, its workers and others print. Each change is one `write`. Not thread-safe.
class bar_terminal {
public:
    /// `fd`: a terminal.
    explicit bar_terminal(int fd) noexcept : fd_(fd) {}

    /// Whether `fd` is a terminal that can do this.
    [[nodiscard]] static bool suits(int fd) noexcept;
    /// Width in columns, for a line of `show`.
    [[nodiscard]] std::size_t width() const noexcept;

    void add(const void* bar);
    void show(const void* bar, std::string text);
    /// Removes the line of `bar`, and prints `last_words` in the region.
    void remove(const void* bar, const std::string& last_words);
    [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }

private:
    struct line {
        const void* bar;
        std::string text;
    };
    [[nodiscard]] std::size_t height() const noexcept;
    [[nodiscard]] std::string region(std::size_t rows, std::size_t lines) const;
    void draw(std::string& out, std::size_t rows) const;
    void write_all(std::string_view text) const noexcept;

    int fd_;
    std::size_t rows_ = 0;  // of the terminal, when the region was set
    std::vector<line> lines_;  // from top to bottom
};

}  // namespace cadre::detail
