#include <cadre/detail/codec/convert_argument.hpp>

#include <stdexcept>
#include <string>

namespace cadre::detail {

namespace {

std::string text_of(bool negative, std::uintmax_t value, const std::string& place, integer_range range) {
    return (negative ? std::to_string(static_cast<std::intmax_t>(value)) : std::to_string(value)) + " does not fit " +
           place + ", which is from " + std::to_string(range.least) + " to " + std::to_string(range.greatest);
}

}  // namespace

void throw_does_not_fit(std::size_t parameter, bool negative, std::uintmax_t value, integer_range parameter_range) {
    const std::string n = std::to_string(parameter);
    throw std::range_error("argument " + n + ": " +
                           text_of(negative, value, "the type of parameter " + n, parameter_range));
}

void throw_does_not_fit(const char* place, bool negative, std::uintmax_t value, integer_range range) {
    throw std::range_error(text_of(negative, value, place, range));
}

}  // namespace cadre::detail
