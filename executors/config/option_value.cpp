#include <cadre/config.hpp>

#include <charconv>
#include <cmath>
#include <utility>

namespace cadre {
namespace {

std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) {
        // An error message is a single line.
        if (c == '\n') {
            result += "\\n";
        } else if (c == '"' || c == '\\') {
            result += '\\';
            result += c;
        } else {
            result += c;
        }
    }
    return result + '"';
}

std::string shortest(double value) {
    char buffer[64];
    const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
    std::string text(buffer, end);
    // 3.0 must differ from the whole number 3 that a message requires.
    if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
}

struct to_text {
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return shortest(value); }
    std::string operator()(const std::string& value) const { return quoted(value); }
    std::string operator()(std::chrono::nanoseconds value) const { return std::to_string(value.count()) + "ns"; }
    std::string operator()(const option_value::array& values) const {
        std::string list;
        for (const option_value& value : values)
            list += (list.empty() ? "" : ", ") + value.text();
        return "[" + list + "]";
    }
};

}  // namespace

option_value::option_value(bool value) : value_(new storage(value)) {}
option_value::option_value(double value) : value_(new storage(value)) {}
option_value::option_value(const char* value) : option_value(std::string(value)) {}
option_value::option_value(std::string_view value) : option_value(std::string(value)) {}
option_value::option_value(std::string value) : value_(new storage(std::move(value))) {}
option_value::option_value(array value) : value_(new storage(std::move(value))) {}
option_value::option_value(whole value)
    : value_(new storage(value.beyond != 0 ? storage(std::to_string(value.beyond)) : storage(value.value))) {}
option_value::option_value(time value) : value_(new storage(value.value)) {}
option_value::option_value(const option_value& other) : value_(new storage(other.value())), origin_(other.origin_) {}
option_value::option_value(option_value&& other) noexcept = default;
option_value& option_value::operator=(const option_value& other) { return *this = option_value(other); }
option_value& option_value::operator=(option_value&& other) noexcept = default;
option_value::~option_value() = default;

const option_value::storage& option_value::value() const noexcept {
    static const storage of_moved_from;
    return value_ == nullptr ? of_moved_from : *value_;
}

std::string option_value::text() const { return std::visit(to_text{}, value()); }

}  // namespace cadre
