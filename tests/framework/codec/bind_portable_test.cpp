#include <cadre/bind_portable.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include <cadre/detail/codec/codec.hpp>

namespace {

using cadre::bind_portable;

template <class T>
T sent(const T& value) {
    cadre::detail::byte_buffer bytes;
    cadre::detail::encoder out(bytes);
    cadre::detail::encode(out, value);
    cadre::detail::decoder in(bytes.span());
    return cadre::detail::decode<T>(in);
}

int subtract(int a, int b) { return a - b; }
std::string join(std::string a, const std::string& b) { return a + b; }
int owned(std::unique_ptr<int> p, int x) { return *p + x; }
int seen(const std::unique_ptr<int>& p, int x) { return *p + x; }

struct power {
    int exponent;
    int operator()(int base) const {
        int result = 1;
        for (int i = 0; i != exponent; ++i)
            result *= base;
        return result;
    }
};

TEST(bind_portable, binds_the_first_parameters) {
    EXPECT_EQ(bind_portable(subtract, 10)(3), 7);
    EXPECT_EQ(bind_portable(subtract, 10, 4)(), 6);
    EXPECT_EQ(bind_portable(subtract)(9, 4), 5);
}

TEST(bind_portable, decodes_to_an_equal_binding) {
    EXPECT_EQ(sent(bind_portable(subtract, 10))(3), 7);
    EXPECT_EQ(sent(bind_portable(power{3}, 2))(), 8);
    EXPECT_EQ(sent(bind_portable([](auto a, int b) { return a * b; }, 6))(7), 42);
    EXPECT_EQ(sent(bind_portable(bind_portable(subtract, 9), 4))(), 5);
}

TEST(bind_portable, converts_to_the_parameter_types) {
    auto greeting = bind_portable(join, "hello ");
    static_assert(std::is_same_v<cadre::detail::decayed_parameters_t<decltype(greeting)>, std::tuple<std::string>>);
    EXPECT_EQ(greeting("you"), "hello you");
    EXPECT_EQ(greeting("again"), "hello again");
    EXPECT_EQ(sent(greeting)("there"), "hello there");
}

TEST(bind_portable, takes_a_callable_as_an_argument) {
    auto apply = [](auto f, int x) { return f(x); };
    EXPECT_EQ(sent(bind_portable(apply, power{2}))(7), 49);
}

TEST(bind_portable, moves_from_its_arguments_when_called_as_an_rvalue) {
    auto once = bind_portable(owned, std::make_unique<int>(4));
    EXPECT_EQ(std::move(once)(3), 7);
    auto often = bind_portable(seen, std::make_unique<int>(4));
    EXPECT_EQ(often(1), 5);
    EXPECT_EQ(std::as_const(often)(2), 6);
    EXPECT_EQ(sent(often)(3), 7);
}

}  // namespace
