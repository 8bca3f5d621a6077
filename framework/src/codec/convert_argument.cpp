#include <cadre/detail/codec/convert_argument.hpp>

#include <stdexcept>
#include <string>

namespace cadre::detail {

void throw_does_not_fit(std::size_t parameter, bool negative, std::uintmax_t value, integer_range parameter_range) {
    const std::string text = negative ? std::to_string(static_cast<std::intmax_t>(value)) : std::to_string(value);
    throw std::range_error("argument " + std::to_string(parameter) + ": " + text +
                           " does not fit the type of parameter " + std::to_string(parameter) + ", which is from " +
                           std::to_string(parameter_range.least) + " to " + std::to_string(parameter_range.greatest));
}

}  // namespace cadre::detail
