// Malformed and hostile bytes: decoding ends with a value or codec_error, never with a crash or a huge allocation.
#include <cadre/detail/codec/codec.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <typeinfo>
#include <vector>

#include <cadre/detail/codec/exception_codec.hpp>

namespace {

using namespace cadre::detail;

struct node {
    int value;
    std::vector<node> children;
};
struct link {
    std::unique_ptr<link> next;
};
struct mixed {
    std::string text;
    std::map<std::string, std::variant<int, std::vector<bool>, std::optional<std::string>>> table;
    std::unordered_map<int, std::set<std::string>> index;
    std::error_code code;
    std::vector<std::monostate> nothing;
    std::list<std::pair<bool, double>> pairs;
    std::forward_list<std::filesystem::path> paths;
};
struct serialized {
    std::vector<std::string> texts;
    std::unique_ptr<int> number;
    template <class A>
    void serialize(A& archive) {
        archive(texts, number);
    }
};

/// Counts allocated bytes, to detect a small message that causes a large allocation.
std::size_t allocated = 0;

template <class T>
struct counting_allocator {
    using value_type = T;
    counting_allocator() = default;
    template <class U>
    explicit(false) counting_allocator(const counting_allocator<U>&) noexcept {}
    T* allocate(std::size_t n) {
        allocated += n * sizeof(T);
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) { std::allocator<T>().deallocate(p, n); }
    bool operator==(const counting_allocator&) const = default;
};
template <class T>
using counted = std::vector<T, counting_allocator<T>>;
struct counted_node {
    std::array<char, 64> payload;
    std::optional<std::array<double, 8>> more;
    counted<counted_node> children;
};

template <class T>
void decode_any(std::span<const std::byte> bytes) {
    decoder in(bytes);
    try {
        const T value = decode<T>(in);
        static_cast<void>(value);
    } catch (const cadre::codec_error&) {
    } catch (const cadre::not_portable&) {  // a function of an unknown module
    }
}

template <class T>
void decode_random_bytes(unsigned seed) {
    std::mt19937 random(seed);
    for (unsigned round = 0; round != 3000; ++round) {
        std::vector<std::byte> bytes(random() % 300);
        const unsigned range = round % 2 ? 256 : 4;  // small numbers reach further into the decoder
        for (auto& byte : bytes)
            byte = static_cast<std::byte>(random() % range);
        decode_any<T>(bytes);
    }
}

template <class T>
void decode_damaged(const T& value, unsigned seed) {
    byte_buffer buffer;
    encoder out(buffer);
    encode(out, value);
    const std::vector<std::byte> original(buffer.span().begin(), buffer.span().end());
    for (std::size_t size = 0; size != original.size(); ++size) {
        std::vector<std::byte> truncated(original.begin(), original.begin() + static_cast<std::ptrdiff_t>(size));
        decoder in(truncated);
        EXPECT_THROW((void)decode<T>(in), cadre::codec_error) << typeid(T).name() << " cut to " << size;
    }
    std::mt19937 random(seed);
    for (unsigned round = 0; round != 3000; ++round) {
        auto damaged = original;
        for (unsigned change = 0; change != 1 + round % 4; ++change)
            damaged[random() % damaged.size()] = static_cast<std::byte>(random());
        decode_any<T>(damaged);
    }
}

TEST(codec_hostile, random_bytes) {
    decode_random_bytes<node>(1);
    decode_random_bytes<link>(2);
    decode_random_bytes<mixed>(3);
    decode_random_bytes<serialized>(4);
    decode_random_bytes<std::vector<std::vector<std::string>>>(5);
    decode_random_bytes<std::tuple<bool, std::u32string, std::deque<int>>>(6);
    decode_random_bytes<std::variant<int, std::string, std::vector<double>>>(7);
    decode_random_bytes<void (*)()>(8);
    decode_random_bytes<std::vector<void (*)()>>(9);
}

TEST(codec_hostile, damaged_and_truncated_values) {
    decode_damaged(node{1, {{2, {}}, {3, {{4, {}}}}}}, 1);
    mixed value;
    value.text = "text";
    value.table = {{"a", 1}, {"b", std::vector<bool>{true, false}}, {"c", std::optional<std::string>("d")}};
    value.index = {{1, {"x", "y"}}, {2, {}}};
    value.nothing.resize(3);
    value.pairs = {{true, 1.5}};
    value.paths = {"/a", "/b"};
    decode_damaged(value, 2);
    decode_damaged(std::vector<double>{1, 2, 3}, 3);
    decode_damaged(std::pair(std::string(1100, 'x'), std::vector<int>(300, 1)), 4);
}

TEST(codec_hostile, a_count_is_limited_by_the_bytes_left) {
    for (const std::uint64_t count : {std::uint64_t{4}, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
        byte_buffer bytes;
        encoder out(bytes);
        out.write_size(count);
        out.write("abc", 3);
        decoder text(bytes.span());
        EXPECT_THROW((void)decode<std::string>(text), cadre::codec_error);
        decoder numbers(bytes.span());
        EXPECT_THROW((void)decode<std::vector<double>>(numbers), cadre::codec_error);
        decoder nothing(bytes.span());
        EXPECT_THROW((void)decode<std::vector<std::monostate>>(nothing), cadre::codec_error);
        decoder set(bytes.span());
        EXPECT_THROW((void)decode<std::unordered_set<int>>(set), cadre::codec_error);
    }
}

TEST(codec_hostile, nested_counts_do_not_multiply_allocations) {
    // Each level claims as many children as its bytes allow and then holds only the next level.
    byte_buffer bytes;
    encoder out(bytes);
    for (int level = 0; level != 900; ++level) {
        out.write(std::array<char, 64>{}.data(), 64);
        out.write_byte(0);
        out.write_size(200);
    }
    allocated = 0;
    decode_any<counted_node>(bytes.span());
    EXPECT_LT(allocated, bytes.size() * 16);
}

TEST(codec_hostile, depth_is_limited) {
    std::vector<std::byte> bytes(1'000'000, std::byte{1});
    decoder in(bytes);
    EXPECT_THROW((void)decode<link>(in), cadre::codec_error);
    std::vector<std::byte> levels;
    for (int i = 0; i != 100'000; ++i) {
        levels.insert(levels.end(), sizeof(int), std::byte{0});
        levels.push_back(std::byte{1});
    }
    decoder deep(levels);
    EXPECT_THROW((void)decode<node>(deep), cadre::codec_error);
}

TEST(codec_hostile, values_out_of_range) {
    const auto refused = [](auto type, std::initializer_list<int> values) {
        std::vector<std::byte> bytes;
        for (const int value : values)
            bytes.push_back(static_cast<std::byte>(value));
        decoder in(bytes);
        EXPECT_THROW((void)decode<typename decltype(type)::type>(in), cadre::codec_error);
    };
    refused(std::type_identity<bool>{}, {2});
    refused(std::type_identity<std::optional<int>>{}, {2, 0, 0, 0, 0});
    refused(std::type_identity<std::variant<int, bool>>{}, {2, 0, 0, 0, 0});
    refused(std::type_identity<std::variant<int, bool>>{}, {1, 7});
    refused(std::type_identity<std::error_code>{}, {9, 0, 0, 0, 0});
    refused(std::type_identity<std::string>{}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01});
    refused(std::type_identity<std::string>{}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f});
    refused(std::type_identity<std::vector<bool>>{}, {1, 3});
}

TEST(codec_hostile, exceptions) {
    byte_buffer buffer;
    encoder out(buffer);
    try {
        try {
            throw std::system_error(std::make_error_code(std::errc::io_error), "disk");
        } catch (...) {
            std::throw_with_nested(std::out_of_range("index"));
        }
    } catch (...) {
        encode_exception(out, std::current_exception());
    }
    const std::vector<std::byte> original(buffer.span().begin(), buffer.span().end());
    std::mt19937 random(1);
    const auto decode_one = [](const std::vector<std::byte>& bytes) {
        decoder in(bytes);
        try {
            EXPECT_TRUE(decode_exception(in, "worker 1"));
        } catch (const cadre::codec_error&) {
        }
    };
    for (std::size_t size = 0; size != original.size(); ++size)
        decode_one({original.begin(), original.begin() + static_cast<std::ptrdiff_t>(size)});
    for (int round = 0; round != 5000; ++round) {
        auto damaged = original;
        damaged[random() % damaged.size()] = static_cast<std::byte>(random());
        decode_one(damaged);
    }
}

}  // namespace
