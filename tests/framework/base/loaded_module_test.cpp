#include <cadre/detail/base/loaded_module.hpp>

#include <gnu/libc-version.h>  // a function that no sanitizer replaces by one of the program
#include <gtest/gtest.h>

#include <cstdlib>

namespace {

using cadre::detail::find_loaded_module;
using cadre::detail::loaded_module;
using cadre::detail::visit_loaded_modules;

int own_function() { return 1; }

template <class Function>
std::uintptr_t address_of(Function* function) {
    return reinterpret_cast<std::uintptr_t>(function);
}

TEST(loaded_module, the_program_comes_first) {
    int visited = 0;
    visit_loaded_modules([&](const loaded_module& module) {
        ++visited;
        EXPECT_TRUE(module.path.empty());
        EXPECT_TRUE(module.contains(address_of(&own_function)));
        EXPECT_FALSE(module.build_id.empty());
        return true;
    });
    EXPECT_EQ(visited, 1);
}

TEST(loaded_module, a_library_is_found_by_an_address_of_its_code) {
    const auto library = find_loaded_module(
        [](const loaded_module& module) { return module.contains(address_of(&::gnu_get_libc_version)); });
    ASSERT_TRUE(library.has_value());
    EXPECT_NE(library->path.find(".so"), std::string::npos);
    EXPECT_FALSE(library->contains(address_of(&own_function)));
}

TEST(loaded_module, data_is_not_code) {
    static int variable = 0;
    const auto at = reinterpret_cast<std::uintptr_t>(&variable);
    EXPECT_FALSE(find_loaded_module([&](const loaded_module& module) { return module.contains(at); }));
}

TEST(loaded_module, an_exception_ends_the_visit) {
    EXPECT_THROW(visit_loaded_modules([](const loaded_module&) -> bool { throw 1; }), int);
    EXPECT_TRUE(find_loaded_module([](const loaded_module&) { return true; }));
}

}  // namespace
