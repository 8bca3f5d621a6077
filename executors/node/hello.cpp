#include "node/hello.hpp"

#include <cadre/detail/base/loaded_module.hpp>
#include <cadre/detail/codec/codec.hpp>
#include <cadre/executors/worker_action.hpp>

#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cadre::detail::node {

namespace {

constexpr std::size_t max_host = 255;

void encode_action(encoder& out, const worker_action& action) {
    out.write_byte(action ? 1 : 0);
    if (!action) return;
    encode_function(out, identify_function(reinterpret_cast<const void*>(action.stored()->run)));
    const std::span<const std::byte> bytes = action.stored()->bytes.span();
    out.write_size(bytes.size());
    out.write(bytes.data(), bytes.size());
}

[[nodiscard]] worker_action decode_action(decoder& in) {
    if (in.read_byte() == 0) return {};
    const auto address = reinterpret_cast<std::uintptr_t>(resolve_function(decode_function(in)));
    const std::size_t size = in.read_count(1);
    byte_buffer bytes;
    bytes.append({in.read(size), size});
    return worker_action(store_action(reinterpret_cast<action_runner>(address), std::move(bytes), {}));
}

// Host names appear in messages: other characters than printable ASCII are replaced.
[[nodiscard]] std::string decode_host(decoder& in) {
    auto host = decode<std::string>(in);
    if (host.empty() || host.size() > max_host) throw_malformed("the name of a host is empty or too long");
    for (char& c : host)
        if (c < '!' || c > '~') c = '?';
    return host;
}

[[nodiscard]] executor_kind decode_kind(decoder& in) {
    const auto kind = static_cast<executor_kind>(in.read_byte());
    if (kind != executor_kind::mpi && kind != executor_kind::cluster) throw_malformed("an unknown kind of executor");
    return kind;
}

}  // namespace

std::uint64_t build_of_program() {
    static const std::uint64_t build = [] {
        std::uint64_t hash = 14695981039346656037u;  // FNV-1a
        visit_loaded_modules([&](loaded_module& program) {
            for (const std::byte b : program.build_id)
                hash = (hash ^ std::to_integer<std::uint64_t>(b)) * 1099511628211u;
            if (program.build_id.empty()) hash = 0;
            return true;
        });
        return hash;
    }();
    return build;
}

std::string build_text(std::uint64_t build) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text(16, '0');
    for (auto at = text.rbegin(); at != text.rend(); ++at, build >>= 4)
        *at = digits[build & 15];
    return text;
}

std::string other_build_text(const std::string& here, std::uint64_t other, const std::string& there) {
    return "host " + there + " runs build " + build_text(other) + " of the program and host " + here + " build " +
           build_text(build_of_program()) + ": install the same build on both";
}

byte_buffer encode_hello(const program_hello& hello) {
    static_assert(std::is_trivially_copyable_v<process_options>);
    byte_buffer bytes;
    encoder out(bytes);
    encode(out, hello.build);
    encode(out, hello.host);
    out.write_byte(static_cast<std::uint8_t>(hello.kind));
    encode(out, hello.identity.high);
    encode(out, hello.identity.low);
    encode(out, hello.executor_name);
    encode_action(out, hello.options.initializer);
    encode_action(out, hello.options.finalizer);
    process_options plain = hello.options;
    plain.initializer = {};
    plain.finalizer = {};
    plain.name = {};
    out.write(&plain, sizeof plain);
    return bytes;
}

// Both sides have the same build, so the options have the same layout. Pointers in them are replaced.
program_hello decode_program_hello(std::span<const std::byte> bytes) {
    program_hello hello;
    decoder in(bytes);
    hello.build = decode<std::uint64_t>(in);
    hello.host = decode_host(in);
    if (hello.build != build_of_program()) return hello;
    hello.kind = decode_kind(in);
    hello.identity.high = decode<std::uint64_t>(in);
    hello.identity.low = decode<std::uint64_t>(in);
    hello.executor_name = decode<std::string>(in);
    const worker_action initializer = decode_action(in);
    const worker_action finalizer = decode_action(in);
    std::memcpy(static_cast<void*>(&hello.options), in.read(sizeof hello.options), sizeof hello.options);
    hello.options.initializer = initializer;
    hello.options.finalizer = finalizer;
    hello.options.name = {};
    return hello;
}

byte_buffer encode_hello(const agent_hello& hello) {
    byte_buffer bytes;
    encoder out(bytes);
    encode(out, hello.build);
    encode(out, hello.host);
    encode(out, hello.pid);
    return bytes;
}

agent_hello decode_agent_hello(std::span<const std::byte> bytes) {
    agent_hello hello;
    decoder in(bytes);
    hello.build = decode<std::uint64_t>(in);
    hello.host = decode_host(in);
    hello.pid = decode<std::int32_t>(in);
    return hello;
}

}  // namespace cadre::detail::node
