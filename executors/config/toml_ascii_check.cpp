#include "config/toml_ascii_check.hpp"

#include <algorithm>

namespace cadre::detail {
namespace {

constexpr std::string_view outside_of_strings = "a character beyond ASCII is allowed in strings and comments only";
constexpr std::string_view after_continued_line =
    "after a line that ends with a backslash, the first character must be ASCII";

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

constexpr bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
constexpr bool starts_code_point(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }
constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

class ascii_checker {
public:
    explicit ascii_checker(std::string_view text) : text_(text) {}

    std::optional<forbidden_character> run() {
        if (text_.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
        while (at_ < text_.size())
            token();
        return found_;
    }

private:
    // A comment, a string, or one character between them.
    void token() {
        if (text_[at_] == '#')
            at_ = std::min(text_.find('\n', at_), text_.size());
        else if (text_[at_] == '"' || text_[at_] == '\'')
            string(text_[at_]);
        else if (!is_ascii(text_[at_]))
            forbid(outside_of_strings);
        else
            ++at_;
    }

    void string(char quote) {
        const char triple[] = {quote, quote, quote};
        const bool multi_line = text_.substr(at_).starts_with(std::string_view(triple, 3));
        const std::string_view end(triple, multi_line ? 3 : 1);
        at_ += end.size();
        // toml++ skips white space after a continued line up to a literal character; an escape or a quote is not a
        // literal character.
        bool skipping = false;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (text_.substr(at_).starts_with(end)) {
                at_ += end.size();
                // Up to two quotes before the end of a multi-line string belong to it.
                for (int i = 0; multi_line && i < 2 && at_ < text_.size() && text_[at_] == quote; ++i)
                    ++at_;
                return;
            }
            if (skipping && !is_ascii(c)) return forbid(after_continued_line);
            if (quote == '"' && c == '\\') {
                skipping |= escape();
            } else {
                skipping = skipping && (is_space(c) || c == quote);
                ++at_;
            }
        }
    }

    // A backslash and the next character. @return whether they continue a line
    bool escape() {
        at_ += 2;
        return is_space(text_[at_ - 1]);
    }

    void forbid(std::string_view reason) {
        const std::string_view before = text_.substr(0, at_);
        const std::size_t line_start = before.rfind('\n') + 1;  // 0 in the first line
        std::string_view line = before.substr(line_start);
        if (line_start == 0 && line.starts_with(byte_order_mark)) line.remove_prefix(byte_order_mark.size());
        found_ = {.line = 1 + static_cast<std::size_t>(std::ranges::count(before, '\n')),
                  .column = 1 + static_cast<std::size_t>(std::ranges::count_if(line, starts_code_point)),
                  .reason = reason};
        at_ = text_.size();
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::optional<forbidden_character> found_{};
};

}  // namespace

std::string ascii_copy(std::string_view text) {
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    std::string copy;
    for (const char c : text)
        if (is_ascii(c))
            copy += c;
        else if (starts_code_point(c))
            copy += 'x';
    return copy;
}

std::optional<forbidden_character> check_ascii(std::string_view text) { return ascii_checker(text).run(); }

}  // namespace cadre::detail
