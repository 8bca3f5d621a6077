// Long runs stay in the value; the pieces together are the message.
#include <cadre/detail/base/append_pieces.hpp>
#include <cadre/detail/base/borrowed_run.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <cadre/detail/codec/codec.hpp>

namespace {

using namespace cadre::detail;

struct record {
    std::string name;
    std::vector<double> samples;
    std::vector<std::string> notes;
    bool operator==(const record&) const = default;
};

TEST(borrowed_run, pieces_are_the_message) {
    for (const std::size_t n : {std::size_t{10}, borrow_from / sizeof(double) - 1, borrow_from, 3 * borrow_from}) {
        const record r{std::string(n, 'n'), std::vector<double>(n, 0.5), {std::string(n, 'a'), "b"}};
        byte_buffer whole;
        encoder plain_out(whole);
        encode(plain_out, r);

        byte_buffer own;
        borrowed_runs borrowed;
        encoder out(own, nullptr, &borrowed);
        encode(out, r);
        EXPECT_EQ(borrowed.empty(), n * sizeof(double) < borrow_from);
        EXPECT_EQ(own.size() + borrowed_size(borrowed), whole.size());
        std::vector<std::span<const std::byte>> pieces;
        append_pieces(pieces, own.span(), borrowed);
        byte_buffer joined;
        for (const auto& p : pieces)
            joined.append(p);
        ASSERT_TRUE(std::ranges::equal(joined.span(), whole.span()));
        decoder in(joined.span());
        ASSERT_EQ(decode<record>(in), r);
    }
}

}  // namespace
