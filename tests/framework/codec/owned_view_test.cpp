// What a call stores for a parameter that is a view: a copy that it owns, or in a worker a part of the message.
#include <cadre/detail/codec/owned_view.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/bind_portable.hpp>
#include <cadre/detail/codec/codec.hpp>
#include <cadre/portable.hpp>

namespace {

using namespace cadre::detail;

using text = owned_view<std::string_view>;
using numbers = owned_view<std::span<const double>>;
struct padded {
    char c;
    bool flag;
    int number;
};

static_assert(cadre::portable<text> && cadre::portable<numbers> &&
              cadre::portable<owned_view<std::span<const padded>>>);
static_assert(std::is_same_v<stored_parameter_t<std::string_view>, text>);
static_assert(std::is_same_v<stored_parameter_t<std::u16string_view>, owned_view<std::u16string_view>>);
static_assert(std::is_same_v<stored_parameter_t<std::span<const double>>, numbers>);
static_assert(std::is_same_v<stored_parameter_t<std::span<double>>, std::span<double>>, "a function may write there");
static_assert(std::is_same_v<stored_parameter_t<std::span<const std::string>>, std::span<const std::string>>);
static_assert(!cadre::portable<owned_view<std::span<const char* const>>>, "its elements are pointers");

TEST(owned_view, copies_what_it_is_made_from) {
    std::string source = "text";
    const text t = source;
    source = "other";
    EXPECT_EQ(t.get(), "text");
    const text copy = t;
    EXPECT_EQ(copy.get().data(), t.get().data()) << "copies share the text";
    EXPECT_EQ(text("literal").get(), "literal");
    EXPECT_EQ(text(std::string_view()).get(), "");
}

TEST(owned_view, moves_rvalues_of_strings_and_vectors) {
    std::string source(100, 'x');
    const char* const at = source.data();
    const text t = std::move(source);
    EXPECT_EQ(t.get().data(), at);
    std::vector<double> elements(100);
    const double* const first = elements.data();
    const numbers n = std::move(elements);
    EXPECT_EQ(n.get().data(), first);
    EXPECT_EQ(n.get().size(), 100u);
}

TEST(owned_view, converts_to_the_same_view_each_time) {
    const numbers n = std::array<double, 2>{1, 2};
    const std::span<const double>& a = n;
    const std::span<const double>& b = n;
    EXPECT_EQ(&a, &b);
    EXPECT_EQ(a[1], 2);
}

template <class V>
byte_buffer encoded_behind(std::size_t prefix, const V& value) {
    byte_buffer bytes;
    encoder out(bytes);
    for (std::size_t i = 0; i < prefix; ++i)
        out.write_byte(0);
    cadre::detail::encode(out, value);
    return bytes;
}
template <class V>
V decoded_behind(std::size_t prefix, std::span<const std::byte> bytes) {
    decoder in(bytes);
    (void)in.read(prefix);
    return cadre::detail::decode<V>(in);
}
template <class V>
bool inside(const V& view, std::span<const std::byte> bytes) {
    const auto* first = reinterpret_cast<const std::byte*>(view.data());
    return first >= bytes.data() && first < bytes.data() + bytes.size();
}

TEST(owned_view, refers_to_the_message_when_it_is_decoded) {
    const numbers n = std::vector<double>{1, 2, 3};
    const text t = std::string(2000, 'y');
    for (std::size_t prefix = 0; prefix < 20; ++prefix) {
        const byte_buffer a = encoded_behind(prefix, n);
        const auto back = decoded_behind<numbers>(prefix, a.span());
        EXPECT_EQ(std::vector<double>(back.get().begin(), back.get().end()), (std::vector<double>{1, 2, 3}));
        EXPECT_TRUE(inside(back.get(), a.span())) << prefix;
        const byte_buffer b = encoded_behind(prefix, t);
        const auto text_back = decoded_behind<text>(prefix, b.span());
        EXPECT_EQ(text_back.get(), t.get());
        EXPECT_TRUE(inside(text_back.get(), b.span())) << prefix;
    }
}

// As the item of a chunk that was sent again, at another place of its message.
TEST(owned_view, is_aligned_also_if_the_message_is_not) {
    const numbers n = std::vector<double>{1, 2, 3};
    const byte_buffer bytes = encoded_behind(0, n);
    alignas(16) std::array<std::byte, 64> shifted;
    for (std::size_t shift = 1; shift < 16; ++shift) {
        std::copy(bytes.span().begin(), bytes.span().end(), shifted.begin() + static_cast<std::ptrdiff_t>(shift));
        const auto back = decoded_behind<numbers>(0, std::span(shifted).subspan(shift, bytes.size()));
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(back.get().data()) % alignof(double), 0u);
        EXPECT_EQ(back.get()[2], 3);
    }
}

TEST(owned_view, checks_elements_that_not_every_pattern_of_bytes_is) {
    const std::vector<padded> all{{'a', true, 1}, {'b', false, 2}};
    const owned_view<std::span<const padded>> view = all;
    byte_buffer bytes = encoded_behind(0, view);
    const auto back = decoded_behind<owned_view<std::span<const padded>>>(0, bytes.span());
    EXPECT_EQ(back.get()[1].number, 2);
    EXPECT_TRUE(back.get()[0].flag);
    const std::array<bool, 3> flags{true, false, true};
    const byte_buffer flag_bytes = encoded_behind(0, owned_view<std::span<const bool>>(flags));
    const auto flags_back = decoded_behind<owned_view<std::span<const bool>>>(0, flag_bytes.span());
    EXPECT_TRUE(std::ranges::equal(flags_back.get(), flags));
    bytes.data()[2] = std::byte{7};  // the flag of the first
    EXPECT_THROW((void)decoded_behind<owned_view<std::span<const padded>>>(0, bytes.span()), cadre::codec_error);
}

TEST(owned_view, refuses_malformed_counts_and_extents) {
    const byte_buffer three = encoded_behind(0, numbers(std::vector<double>{1, 2, 3}));
    using two_numbers = owned_view<std::span<const double, 2>>;
    EXPECT_THROW((void)decoded_behind<two_numbers>(0, three.span()), cadre::codec_error);
    EXPECT_THROW((void)decoded_behind<numbers>(0, three.span().first(20)), cadre::codec_error);
    const byte_buffer two = encoded_behind(0, owned_view<std::span<const double, 2>>(std::array<double, 2>{4, 5}));
    EXPECT_EQ(decoded_behind<two_numbers>(0, two.span()).get()[1], 5);
}

TEST(owned_view, is_what_bind_portable_keeps) {
    std::string suffix = "b";
    const auto ends =
        cadre::bind_portable([](std::string_view s, const std::string& w) { return w.ends_with(s); }, suffix);
    suffix = "a";
    EXPECT_TRUE(ends(std::string("ab")));
}

}  // namespace
