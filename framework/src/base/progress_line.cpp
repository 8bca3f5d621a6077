#include "base/progress_line.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

namespace cadre::detail {

namespace {

using std::chrono::nanoseconds;

std::size_t columns(std::string_view utf8) {
    return static_cast<std::size_t>(
        std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string first_columns(std::string_view utf8, std::size_t n) {
    std::size_t end = 0;
    for (std::size_t seen = 0; end < utf8.size(); ++end)
        if ((static_cast<unsigned char>(utf8[end]) & 0xc0) != 0x80 && ++seen > n) break;
    return std::string(utf8.substr(0, end));
}

std::string number(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), value < 100 ? "%.1f" : "%.0f", value);
    return text.data();
}

// "16s", "2:05", "1:02:05"
std::string duration(double seconds) {
    const double longest = 1e9;
    const auto all = static_cast<long>(std::ceil(std::min(seconds, longest)));
    std::array<char, 32> text{};
    if (all < 60)
        std::snprintf(text.data(), text.size(), "%lds", all);
    else if (all < 3600)
        std::snprintf(text.data(), text.size(), "%ld:%02ld", all / 60, all % 60);
    else
        std::snprintf(text.data(), text.size(), "%ld:%02ld:%02ld", all / 3600, all / 60 % 60, all % 60);
    return text.data();
}

std::string count_text(const progress_state& s) {
    std::string text = std::to_string(s.done);
    if (s.total != 0) text.append("/").append(std::to_string(s.total));
    return text;
}

std::size_t percent(const progress_state& s) {
    return static_cast<std::size_t>(static_cast<double>(std::min(s.done, s.total)) * 100 /
                                    static_cast<double>(s.total));
}

// The remaining time if it can be estimated, otherwise the elapsed time.
std::string time_text(const progress_state& s) {
    if (s.total != 0 && s.done < s.total && s.rate > 0)
        return duration(static_cast<double>(s.total - s.done) / s.rate) + " left";
    return "in " + duration(std::chrono::duration<double>(s.elapsed).count());
}

}  // namespace

std::string progress_line(const progress_state& s, std::size_t width) {
    std::string line = first_columns(s.title, width);
    std::vector<std::string> details{count_text(s)};
    if (s.rate > 0) details.push_back(number(s.rate) + "/s");
    details.push_back(time_text(s));
    std::size_t used = columns(line);
    if (s.total != 0) {
        std::string part = std::to_string(percent(s)) + "%";
        part.insert(0, 5 - std::min<std::size_t>(5, part.size()), ' ');
        details.insert(details.begin(), std::move(part));
    }
    std::size_t kept = 0;
    for (std::size_t room = width - used; kept < details.size() && details[kept].size() + 1 <= room; ++kept)
        room -= details[kept].size() + 1;
    for (std::size_t i = 0; i < kept; ++i)
        used += details[i].size() + 1;
    constexpr std::size_t frame = 3;  // " []"
    constexpr std::size_t narrowest = 10;
    for (std::size_t i = 0; i < kept; ++i) {
        line += " " + details[i];
        if (i != 0 || s.total == 0 || kept != details.size() || width - used < frame + narrowest) continue;
        const std::size_t inside = width - used - frame;
        const std::size_t filled = percent(s) * inside / 100;
        line.append(" [").append(filled, '=');
        if (filled < inside) line.append(">").append(inside - filled - 1, ' ');
        line += "]";
    }
    return line;
}

std::string progress_log_line(const progress_state& s) {
    std::string line = std::string(s.title) + ": " + count_text(s);
    if (s.total != 0) line += " (" + std::to_string(percent(s)) + "%)";
    if (s.rate > 0) line += ", " + number(s.rate) + "/s";
    return line + ", " + time_text(s);
}

}  // namespace cadre::detail
