#include "base/symbol_name.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace {

using cadre::detail::symbol_name;

int function_of_this_file(int x) { return x + 1; }

template <class Function>
const void* address_of(Function* function) {
    return reinterpret_cast<const void*>(function);
}

TEST(symbol_name, finds_a_function_that_the_program_does_not_export) {
    EXPECT_EQ(symbol_name(address_of(&function_of_this_file)), "(anonymous namespace)::function_of_this_file(int)");
}

TEST(symbol_name, finds_a_function_of_a_library) {
    EXPECT_NE(symbol_name(address_of(&std::malloc)).find("malloc"), std::string::npos);
}

TEST(symbol_name, is_empty_where_no_function_begins) {
    static int variable = 0;
    EXPECT_EQ(symbol_name(&variable), "");
    EXPECT_EQ(symbol_name(nullptr), "");
    EXPECT_EQ(symbol_name(static_cast<const char*>(address_of(&function_of_this_file)) + 1), "");
}

}  // namespace
