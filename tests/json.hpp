/// @file
/// A strict parser of JSON texts, for tests.
#pragma once

#include <cctype>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cadre::tests {

/// A value; the member of its type is used.
struct json {
    enum class type { null, boolean, number, string, array, object };
    type is = type::null;
    bool boolean = false;
    double number = 0;
    std::string text{};
    std::vector<json> items{};
    std::map<std::string, json> members{};

    /// A member of an object; `null` if there is none.
    [[nodiscard]] const json& operator[](const std::string& key) const {
        static const json none;
        const auto at = members.find(key);
        return at == members.end() ? none : at->second;
    }
};

class json_parser {
public:
    /// @throws std::runtime_error if the text is not one JSON value
    [[nodiscard]] static json parse(std::string_view text) {
        json_parser p(text);
        json value = p.value();
        p.blanks();
        if (p.at_ != text.size()) p.fail("text after the value");
        return value;
    }

private:
    explicit json_parser(std::string_view text) : text_(text) {}

    [[noreturn]] void fail(const std::string& why) const {
        throw std::runtime_error("offset " + std::to_string(at_) + ": " + why);
    }
    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void expect(char c) {
        if (peek() != c) fail(std::string("expected ") + c);
        ++at_;
    }
    void blanks() {
        while (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t')
            ++at_;
    }
    bool word(std::string_view w) {
        if (text_.substr(at_, w.size()) != w) return false;
        at_ += w.size();
        return true;
    }

    json value() {
        blanks();
        json v;
        switch (peek()) {
            case '{': object(v); return v;
            case '[': array(v); return v;
            case '"':
                v.is = json::type::string;
                v.text = string();
                return v;
            default: break;
        }
        if (word("null")) return v;
        if (const bool yes = word("true"); yes || word("false")) {
            v.is = json::type::boolean;
            v.boolean = yes;
            return v;
        }
        v.is = json::type::number;
        v.number = number();
        return v;
    }

    void object(json& v) {
        v.is = json::type::object;
        expect('{');
        for (blanks(); peek() != '}'; blanks()) {
            if (!v.members.empty()) expect(',');
            blanks();
            std::string key = string();
            blanks();
            expect(':');
            if (!v.members.emplace(std::move(key), value()).second) fail("a key twice");
        }
        expect('}');
    }

    void array(json& v) {
        v.is = json::type::array;
        expect('[');
        for (blanks(); peek() != ']'; blanks()) {
            if (!v.items.empty()) expect(',');
            v.items.push_back(value());
        }
        expect(']');
    }

    std::string string() {
        expect('"');
        std::string result;
        while (peek() != '"') {
            if (at_ >= text_.size() || static_cast<unsigned char>(peek()) < 0x20) fail("in a string");
            if (peek() == '\\') {
                ++at_;
                if (std::string_view("\"\\/bfnrt").find(peek()) == std::string_view::npos) fail("unknown escape");
            }
            result += text_[at_++];
        }
        ++at_;
        return result;
    }

    double number() {
        const std::size_t begin = at_;
        if (peek() == '-') ++at_;
        const std::size_t digits = at_;
        while (std::isdigit(static_cast<unsigned char>(peek())) != 0)
            ++at_;
        if (at_ == digits || (text_[digits] == '0' && at_ != digits + 1)) fail("not a value");
        if (peek() == '.') {
            const std::size_t fraction = ++at_;
            while (std::isdigit(static_cast<unsigned char>(peek())) != 0)
                ++at_;
            if (at_ == fraction) fail("a fraction without digits");
        }
        return std::strtod(std::string(text_.substr(begin, at_ - begin)).c_str(), nullptr);
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace cadre::tests
