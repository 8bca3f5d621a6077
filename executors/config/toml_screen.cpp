#include "config/toml_screen.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace cadre::detail {
namespace {

constexpr bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
constexpr bool starts_code_point(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

// The code point `encoded` as `\UXXXXXXXX`; invalid UTF-8 is returned unchanged, and toml++ refuses it.
std::string escape_of(std::string_view encoded) {
    const auto lead = static_cast<unsigned char>(encoded[0]);
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (encoded.size() != length) {
        return std::string(encoded);
    }
    std::uint32_t value = lead & (0x7fu >> length);
    for (const char c : encoded.substr(1)) {
        value = value << 6 | (static_cast<unsigned char>(c) & 0x3fu);
    }
    std::array<char, 11> text;
    std::snprintf(text.data(), text.size(), "\\U%08X", static_cast<unsigned>(value));
    return text.data();
}

class screen {
public:
    explicit screen(std::string_view text) : text_(text) {}

    screened_toml run() {
        if (text_.starts_with("\xef\xbb\xbf")) {  // a byte order mark
            at_ = 3;
        }
        while (at_ < text_.size() && !stopped_) {
            token();
        }
        if (stopped_) {
            out_.text = text_;
        } else {
            out_.text += text_.substr(copied_);
        }
        return std::move(out_);
    }

private:
    // A comment, a string, or one character between them.
    void token() {
        if (text_[at_] == '#') {
            at_ = std::min(text_.find('\n', at_), text_.size());
        } else if (text_[at_] == '"' || text_[at_] == '\'') {
            string(text_[at_]);
        } else if (!is_ascii(text_[at_])) {
            forbid();
        } else {
            ++at_;
        }
    }

    void string(char quote) {
        const std::string triple(3, quote);
        const bool multi_line = text_.substr(at_).starts_with(triple);
        const std::string_view end = std::string_view(triple).substr(0, multi_line ? 3 : 1);
        at_ += end.size();
        while (at_ < text_.size() && !stopped_) {
            if (text_.substr(at_).starts_with(end)) {
                at_ += end.size();
                // Up to two quotes at the end of a multi-line string belong to it.
                for (int i = 0; multi_line && i < 2 && at_ < text_.size() && text_[at_] == quote; ++i) {
                    ++at_;
                }
                return;
            }
            if (!multi_line && text_[at_] == '\n') {
                stopped_ = true;  // toml++ refuses the string and reads no further
            } else if (quote == '"' && text_[at_] == '\\') {
                ++at_;
                escape(multi_line);
            } else {
                ++at_;
            }
        }
    }

    // The character after a backslash in a basic string.
    void escape(bool multi_line) {
        if (at_ == text_.size()) {
            return;
        }
        if (!is_ascii(text_[at_])) {
            return forbid();
        }
        const std::size_t next = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
        if (!multi_line || next == at_) {
            ++at_;
            return;
        }
        // A backslash at the end of a line.
        at_ = next;
        if (at_ == text_.size() || is_ascii(text_[at_])) {
            return;
        }
        const std::string_view encoded = text_.substr(at_, code_point_length());
        out_.text += text_.substr(copied_, at_ - copied_);
        out_.text += escape_of(encoded);
        at_ += encoded.size();
        copied_ = at_;
    }

    [[nodiscard]] std::size_t code_point_length() const {
        const std::string_view rest = text_.substr(at_ + 1);
        return 1 + static_cast<std::size_t>(std::ranges::find_if(rest, starts_code_point) - rest.begin());
    }

    void forbid() {
        const std::string_view before = text_.substr(0, at_);
        const std::size_t line_start = before.rfind('\n') + 1;  // 0 where there is none
        std::string_view line = before.substr(line_start);
        if (line_start == 0 && line.starts_with("\xef\xbb\xbf")) {
            line.remove_prefix(3);
        }
        out_.forbidden = {.line = 1 + static_cast<std::size_t>(std::ranges::count(before, '\n')),
                          .column = 1 + static_cast<std::size_t>(std::ranges::count_if(line, starts_code_point))};
        stopped_ = true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t copied_ = 0;  // `out_.text` covers the input up to here
    bool stopped_ = false;
    screened_toml out_{};
};

}  // namespace

screened_toml screen_toml(std::string_view text) { return screen(text).run(); }

}  // namespace cadre::detail
