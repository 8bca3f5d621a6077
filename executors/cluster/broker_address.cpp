#include "broker_address.hpp"

#include <cadre/errors.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <system_error>

#include "amqp_options.hpp"

namespace cadre::detail::amqp {

namespace {

using namespace std::chrono_literals;

// Names of AMQP are short strings; the suffixes of the link must fit after the name.
constexpr std::size_t max_name = 100;
constexpr std::size_t max_short_string = 255;
constexpr std::chrono::seconds max_heartbeat = 60s;

[[noreturn]] void refuse(const std::string& why) { throw config_error("cluster: " + why); }

[[noreturn]] void refuse_url(const std::string& why) {
    refuse("the broker's URL " + why + ": it is amqp://user@host:port/vhost, or amqps:// for TLS");
}

std::string decode(std::string_view text, const char* part) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            unsigned value = 0;
            const char* const digits = text.data() + i + 1;
            if (text.size() - i < 3 || std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2)
                refuse_url(std::string("has a '%' without two hexadecimal digits in its ") + part);
            c = static_cast<char>(value);
            i += 2;
        }
        if (c == '\0') refuse_url(std::string("has a zero byte in its ") + part);
        decoded += c;
    }
    if (decoded.size() > max_short_string) refuse_url(std::string("has more than 255 bytes in its ") + part);
    return decoded;
}

std::uint16_t parse_port(std::string_view text) {
    unsigned value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size() || value == 0 || value > 65535)
        refuse_url("has a port that is not a number from 1 to 65535");
    return static_cast<std::uint16_t>(value);
}

void parse_endpoint(std::string_view text, broker_address& address) {
    std::string_view host = text;
    std::string_view port;
    if (text.starts_with('[')) {  // an IPv6 address
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) refuse_url("has a '[' without ']' in its host");
        host = text.substr(1, end - 1);
        port = text.substr(end + 1);
        if (!port.empty() && !port.starts_with(':')) refuse_url("has text between ']' and its port");
        if (!port.empty()) port.remove_prefix(1);
    } else if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
        host = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (host.find(':') != std::string_view::npos) refuse_url("has an IPv6 address without '[' and ']'");
    }
    address.host = decode(host, "host");
    if (address.host.empty()) refuse_url("names no host");
    address.port = !port.empty() ? parse_port(port) : address.tls ? 5671 : 5672;
}

void parse_credentials(std::string_view text, broker_address& address) {
    const std::size_t colon = text.find(':');
    address.user = decode(text.substr(0, colon), "user");
    if (address.user.empty()) refuse_url("has an empty user before '@'");
    if (colon == std::string_view::npos) return;
    address.password = decode(text.substr(colon + 1), "password");
    address.has_password = true;
}

void parse_parameter(std::string_view text, broker_address& address) {
    const std::size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    const std::string value = equals == std::string_view::npos ? "" : decode(text.substr(equals + 1), "parameters");
    if (name == "cacertfile") {
        address.ca = value;
    } else if (name == "certfile") {
        address.certificate = value;
    } else if (name == "keyfile") {
        address.key = value;
    } else if (name == "heartbeat") {
        unsigned seconds = 0;
        if (std::from_chars(value.data(), value.data() + value.size(), seconds).ptr != value.data() + value.size() ||
            seconds == 0 || std::chrono::seconds(seconds) > max_heartbeat)
            refuse_url("has a heartbeat that is not a number of seconds from 1 to 60");
        address.heartbeat = std::chrono::seconds(seconds);
    } else {
        refuse_url("has an unknown parameter; cacertfile, certfile, keyfile and heartbeat are known");
    }
}

void parse_parameters(std::string_view text, broker_address& address) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('&'), text.size());
        parse_parameter(text.substr(0, end), address);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

std::optional<std::string> from_environment(const char* name) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return std::string(value);
}

std::string read_password(const std::string& file) {
    std::ifstream in(file);
    std::string line;
    if (!in || !std::getline(in, line))
        refuse("cannot read the broker's password from the first line of the file '" + file + "'");
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

void find_password(const amqp_options& options, broker_address& address) {
    if (address.has_password) return;
    address.has_password = true;
    if (const auto password = from_environment("CADRE_CLUSTER_PASSWORD")) {
        address.password = *password;
    } else if (!options.password_file.empty()) {
        address.password = read_password(options.password_file);
    } else if (const auto file = from_environment("CADRE_CLUSTER_PASSWORD_FILE")) {
        address.password = read_password(*file);
    } else if (address.user == "guest") {
        address.password = "guest";  // the default of a new broker, which accepts it only from its own host
    } else {
        refuse("no password for user '" + address.user + "' of the broker at " + address.endpoint() +
               ": set CADRE_CLUSTER_PASSWORD, or CADRE_CLUSTER_PASSWORD_FILE to the name of a file");
    }
}

void check_readable(const std::string& file, const char* what) {
    if (!file.empty() && !std::ifstream(file)) refuse(std::string("cannot read ") + what + " '" + file + "'");
}

void check_tls(const broker_address& address) {
    if (!address.tls) {
        if (!address.ca.empty() || !address.certificate.empty() || !address.key.empty())
            refuse("certificates are set, but the broker's URL begins with amqp://: use amqps:// for TLS");
        return;
    }
    if (address.certificate.empty() != address.key.empty()) refuse("`certificate` and `key` must be given together");
    check_readable(address.ca, "the authorities' certificates");
    check_readable(address.certificate, "the certificate");
    check_readable(address.key, "the certificate's key");
}

void check_name(const std::string& name) {
    const auto allowed = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    };
    if (name.empty() || name.size() > max_name || !std::ranges::all_of(name, allowed))
        refuse("`name` must be 1 to 100 letters, digits, '-', '_' or '.'");
}

}  // namespace

std::string broker_address::endpoint() const {
    const bool ipv6 = host.find(':') != std::string::npos;
    return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

broker_address parse_broker_url(std::string_view url) {
    broker_address address;
    const std::size_t scheme_end = url.find("://");
    if (scheme_end == std::string_view::npos) refuse_url("has no scheme");
    const std::string_view scheme = url.substr(0, scheme_end);
    if (scheme != "amqp" && scheme != "amqps") refuse_url("has an unknown scheme");
    address.tls = scheme == "amqps";

    std::string_view rest = url.substr(scheme_end + 3);
    if (const std::size_t question = rest.find('?'); question != std::string_view::npos) {
        parse_parameters(rest.substr(question + 1), address);
        rest = rest.substr(0, question);
    }
    const std::size_t slash = rest.find('/');
    std::string_view authority = rest.substr(0, slash);
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
        parse_credentials(authority.substr(0, at), address);
        authority = authority.substr(at + 1);
    }
    parse_endpoint(authority, address);
    if (slash != std::string_view::npos && slash + 1 < rest.size()) {
        const std::string_view vhost = rest.substr(slash + 1);
        if (vhost.find('/') != std::string_view::npos)
            refuse_url("has a '/' in its virtual host, which is written %2F");
        address.vhost = decode(vhost, "virtual host");
    }
    return address;
}

broker_address resolve_address(const amqp_options& options) {
    check_name(options.name);
    const std::string url = !options.url.empty() ? options.url : from_environment("CADRE_CLUSTER_URL").value_or("");
    if (url.empty()) refuse("no broker is configured: set `url` or CADRE_CLUSTER_URL to amqp://user@host/vhost");
    broker_address address = parse_broker_url(url);
    if (!options.ca.empty()) address.ca = options.ca;
    if (!options.certificate.empty()) address.certificate = options.certificate;
    if (!options.key.empty()) address.key = options.key;
    if (options.heartbeat > 0ns) address.heartbeat = std::chrono::ceil<std::chrono::seconds>(options.heartbeat);
    if (address.heartbeat == 0s) address.heartbeat = 1s;
    if (address.heartbeat > max_heartbeat) refuse("`heartbeat` must be at most 60 seconds");
    check_tls(address);
    find_password(options, address);
    return address;
}

}  // namespace cadre::detail::amqp
