#include "config/toml_ascii_check.hpp"

#include <cadre/config.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace {

using cadre::detail::check_ascii;

// "LINE:COLUMN" of the first forbidden character.
std::string first_forbidden(std::string_view text) {
    const auto found = check_ascii(text);
    return found ? std::to_string(found->line) + ':' + std::to_string(found->column) : "none";
}

TEST(toml_ascii_check, characters_beyond_ascii_pass_in_strings_and_comments) {
    for (const std::string_view text : {
             "a = 'é' # é\nb = \"é\\\"é\"\n",
             "a = '''\né''''\nb = \"\"\"é\"\"\"\"\"\n",
             "'é' = 1\n",
             "\xef\xbb\xbf"
             "a = 1\n",
         }) {
        EXPECT_EQ(first_forbidden(text), "none") << text;
    }
}

TEST(toml_ascii_check, the_first_one_elsewhere_has_its_position) {
    EXPECT_EQ(first_forbidden("é = 1\n"), "1:1");
    EXPECT_EQ(first_forbidden("\xef\xbb\xbf"
                              "é = 1\n"),
              "1:1");
    EXPECT_EQ(first_forbidden("a = 'é' é\n"), "1:9");
    EXPECT_EQ(first_forbidden("a = 1\r\n[t]\nb = é\n"), "3:5");
    EXPECT_EQ(first_forbidden("a = '''x''' é"), "1:13");
}

TEST(toml_ascii_check, the_first_character_after_a_continued_line_is_ascii) {
    EXPECT_EQ(first_forbidden("a = \"\"\"\\\n  é\"\"\"\n"), "2:3");
    EXPECT_EQ(first_forbidden("a = \"\"\"\\\n\\té\"\"\"\n"), "2:3");
    EXPECT_EQ(first_forbidden("a = \"\"\"\\\n\"é\"\"\"\n"), "2:2");
    EXPECT_EQ(first_forbidden("a = \"\"\"\\\n xé\"\"\"\n"), "none");
}

TEST(toml_ascii_check, the_copy_has_the_same_columns) {
    EXPECT_EQ(cadre::detail::ascii_copy("\xef\xbb\xbf"
                                        "aé€😀\nb"),
              "axxx\nb");
}

TEST(toml_ascii_check, a_forbidden_character_is_an_error_of_the_file) {
    try {
        static_cast<void>(cadre::config::parse("executor = 'a'\né = 2\n", "app.toml"));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_STREQ(e.what(), "app.toml:2:1: a character beyond ASCII is allowed in strings and comments only");
    }
    EXPECT_THROW(static_cast<void>(cadre::config::parse("a = \"\\é\"\n")), cadre::config_error);
    EXPECT_THROW(static_cast<void>(cadre::config::parse("a = 0{\"é\"\n")), cadre::config_error);
}

}  // namespace
