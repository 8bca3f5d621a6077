#include "runtime/uncaught.hpp"

#include <cadre/errors.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <exception>
#include <stdexcept>
#include <string>

namespace {

using cadre::detail::describe_uncaught;

template <class E>
std::string described(E error) {
    return describe_uncaught("app", std::make_exception_ptr(std::move(error)));
}

struct no_text : std::exception {
    [[nodiscard]] const char* what() const noexcept override { return nullptr; }
};

TEST(uncaught, says_type_and_text_in_one_line) {
    EXPECT_EQ(described(std::out_of_range("seven")), "app: std::out_of_range: seven\n");
    EXPECT_EQ(described(cadre::cancelled()), "app: cadre::cancelled: cancelled: stop was requested\n");
    EXPECT_EQ(described(std::runtime_error("two\nlines")), "app: std::runtime_error: two lines\n");
    EXPECT_EQ(described(7), "app: an exception of type int\n");
    const std::string silent = described(no_text());
    EXPECT_TRUE(silent.ends_with("no_text: (what() is a null pointer)\n")) << silent;
}

TEST(uncaught, says_the_type_that_a_worker_threw) {
    EXPECT_EQ(described(cadre::remote_error("app::odd", "text")), "app: app::odd: text\n");
}

TEST(uncaught, shows_the_stack_of_a_crash) {
    EXPECT_EQ(
        described(cadre::worker_crashed("worker 1 crashed", {.signal = SIGSEGV, .stack_trace = "#0 f\n#1 main\n"})),
        "app: cadre::worker_crashed: worker 1 crashed\n    #0 f\n    #1 main\n");
}

TEST(uncaught, shows_what_caused_an_error) {
    try {
        try {
            throw std::out_of_range("index");
        } catch (...) {
            std::throw_with_nested(std::runtime_error("page"));
        }
    } catch (...) {
        const std::string text = describe_uncaught("app", std::current_exception());
        EXPECT_TRUE(text.ends_with("std::runtime_error>: page, caused by std::out_of_range: index\n") ||
                    text.ends_with("std::runtime_error: page, caused by std::out_of_range: index\n"))
            << text;
    }
}

TEST(uncaught, names_the_program_without_its_folder) {
    EXPECT_EQ(cadre::detail::program_name("/some/where/app"), "app");
    EXPECT_EQ(cadre::detail::program_name("app"), "app");
    EXPECT_EQ(cadre::detail::program_name(nullptr), "");
}

}  // namespace
