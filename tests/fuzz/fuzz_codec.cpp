// Bytes that another process sent, decoded as values of many shapes: the decoder ends with a value or an error, and a
// value that it made is encoded and decoded again to the same bytes.

#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/errors.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace cadre::detail;

struct node {
    int value;
    std::vector<node> children;
};
struct chain {
    std::unique_ptr<chain> next;
};
struct mixed {
    std::string text;
    std::map<std::string, std::variant<int, std::vector<bool>, std::optional<std::string>>> table;
    std::error_code code;
    std::vector<std::pair<bool, double>> pairs;
    std::array<std::uint16_t, 3> few;
};
struct serialized {
    std::vector<std::string> texts;
    std::unique_ptr<int> number;
    template <class A>
    void serialize(A& archive) {
        archive(texts, number);
    }
};

template <class T>
std::vector<std::byte> encoded(const T& value) {
    byte_buffer buffer;
    encoder out(buffer);
    encode(out, value);
    return {buffer.span().begin(), buffer.span().end()};
}

template <class T>
void decode_twice(std::span<const std::byte> bytes) {
    decoder in(bytes);
    try {
        const T value = decode<T>(in);
        const auto first = encoded(value);
        decoder again(first);
        if (encoded(decode<T>(again)) != first) std::abort();
    } catch (const cadre::codec_error&) {
    } catch (const cadre::not_portable&) {  // a function of an unknown module
    }
}

void decode_an_exception(std::span<const std::byte> bytes) {
    decoder in(bytes);
    try {
        if (decode_exception(in, "worker 1") == nullptr) std::abort();
    } catch (const cadre::codec_error&) {
    }
}

constexpr void (*shapes[])(std::span<const std::byte>) = {
    decode_twice<node>,
    decode_twice<chain>,
    decode_twice<mixed>,
    decode_twice<serialized>,
    decode_twice<std::vector<std::vector<std::string>>>,
    decode_twice<std::map<int, std::string>>,
    decode_twice<std::tuple<bool, std::u32string, std::vector<int>>>,
    decode_twice<void (*)()>,
    decode_an_exception,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    shapes[data[0] % std::size(shapes)](std::as_bytes(std::span(data + 1, size - 1)));
    return 0;
}
