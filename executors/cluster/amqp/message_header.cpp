#include "message_header.hpp"

#include <algorithm>

namespace cadre::detail::amqp {

std::array<char, 16> hexadecimal(std::uint64_t value) noexcept {
    std::array<char, 16> text{};
    for (std::size_t i = text.size(); i-- > 0; value >>= 4)
        text[i] = "0123456789abcdef"[value & 15];
    return text;
}

std::optional<std::uint64_t> parse_hexadecimal(std::string_view text) noexcept {
    if (text.size() != 16) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        unsigned digit = 0;
        if (c >= '0' && c <= '9')
            digit = static_cast<unsigned>(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = static_cast<unsigned>(c - 'a') + 10;
        else
            return std::nullopt;
        value = value << 4 | digit;
    }
    return value;
}

header_text encode(const message_header& header) noexcept {
    header_text text{};
    text[0] = static_cast<char>(header.kind);
    std::ranges::copy(hexadecimal(header.session), text.begin() + 1);
    std::ranges::copy(hexadecimal(header.peer), text.begin() + 17);
    return text;
}

std::optional<message_header> decode(std::string_view text) noexcept {
    if (text.size() != header_text().size() || std::string_view("dhwaebft").find(text[0]) == std::string_view::npos)
        return std::nullopt;
    const auto session = parse_hexadecimal(text.substr(1, 16));
    const auto peer = parse_hexadecimal(text.substr(17));
    if (!session || !peer) return std::nullopt;
    return message_header{static_cast<message_kind>(text[0]), *session, *peer};
}

}  // namespace cadre::detail::amqp
