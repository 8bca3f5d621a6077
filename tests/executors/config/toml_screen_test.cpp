#include "config/toml_screen.hpp"

#include <cadre/config.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace {

using cadre::detail::screen_toml;

// "LINE:COLUMN" of the first forbidden character, or the text that is left.
std::string screened(std::string_view text) {
    const auto result = screen_toml(text);
    return result.forbidden ? std::to_string(result.forbidden->line) + ':' + std::to_string(result.forbidden->column)
                            : result.text;
}

TEST(toml_screen, characters_beyond_ascii_pass_in_strings_and_comments) {
    for (const std::string_view text : {
             "a = 'é' # é\nb = \"é\\\"é\"\n",
             "a = '''\né''''\nb = \"\"\"é\"\"\"\"\"\n",
             "'é' = 1\n",
             "\xef\xbb\xbf"
             "a = 1\n",
         }) {
        EXPECT_EQ(screened(text), text);
    }
}

TEST(toml_screen, the_first_one_elsewhere_has_its_position) {
    EXPECT_EQ(screened("é = 1\n"), "1:1");
    EXPECT_EQ(screened("\xef\xbb\xbf"
                       "é = 1\n"),
              "1:1");
    EXPECT_EQ(screened("a = 'é' é\n"), "1:9");
    EXPECT_EQ(screened("a = 1\r\n[t]\nb = é\n"), "3:5");
    EXPECT_EQ(screened("a = '''x''' é"), "1:13");
    EXPECT_EQ(screened("a = \"\\é\"\n"), "1:7");
    EXPECT_EQ(screened("a = \"\"\"\\é\"\"\"\n"), "1:9");
}

TEST(toml_screen, a_character_after_a_continued_line_becomes_its_escape) {
    EXPECT_EQ(screened("a = \"\"\"\\\n  é\"\"\"\n"), "a = \"\"\"\\\n  \\U000000E9\"\"\"\n");
    EXPECT_EQ(screened("a = \"\"\"x\\\n€\\\n😀é\"\"\"\n"), "a = \"\"\"x\\\n\\U000020AC\\\n\\U0001F600é\"\"\"\n");
}

TEST(toml_screen, unfinished_input_is_left_to_the_parser) {
    for (const std::string_view text :
         {"a = \"x\né", "a = 'x", "a = \"\"\"x\\", "a = \"\"\"x\\\n", "a = \"\"\"x\\\n\xc3", "#", "\""}) {
        EXPECT_EQ(screened(text), text);
    }
}

TEST(toml_screen, a_forbidden_character_is_an_error_of_the_file) {
    try {
        static_cast<void>(cadre::config::parse("executor = 'a'\né = 2\n", "app.toml"));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_STREQ(e.what(), "app.toml:2:1: a character beyond ASCII is allowed in strings and comments only");
    }
}

}  // namespace
