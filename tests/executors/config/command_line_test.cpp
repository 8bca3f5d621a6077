#include "config/command_line.hpp"

#include <cadre/errors.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace {

// argc and argv as main gets them.
class arguments {
public:
    explicit arguments(std::vector<std::string> words) : words_(std::move(words)) {
        for (std::string& word : words_)
            argv_.push_back(word.data());
        argv_.push_back(nullptr);
        argc = static_cast<int>(words_.size());
    }
    char** argv() { return argv_.data(); }
    std::vector<std::string> left() {
        EXPECT_EQ(argv_[static_cast<std::size_t>(argc)], nullptr);
        return {argv_.begin(), argv_.begin() + argc};
    }

    int argc = 0;

private:
    std::vector<std::string> words_;
    std::vector<char*> argv_;
};

using words = std::vector<std::string>;

TEST(command_line, the_file_of_a_trace) {
    arguments a({"app", "--trace=t.json", "in.txt"});
    EXPECT_EQ(cadre::detail::take_command_line(a.argc, a.argv()).trace, "t.json");
    EXPECT_EQ(a.left(), (words{"app", "in.txt"}));
    ::setenv("CADRE_TRACE", "u.json", 1);
    EXPECT_EQ(cadre::detail::from_environment().trace, "u.json");
    ::setenv("CADRE_TRACE", "", 1);
    EXPECT_FALSE(cadre::detail::from_environment().trace);
    ::unsetenv("CADRE_TRACE");
}

TEST(command_line, takes_its_options_and_leaves_the_rest) {
    arguments a({"app", "in.txt", "--executor=process:3", "-v", "--workers", "2", "--config=app.toml", "out.txt"});
    const auto found = cadre::detail::take_command_line(a.argc, a.argv());
    EXPECT_EQ(found.executor, "process:3");
    EXPECT_EQ(found.workers, "2");
    EXPECT_EQ(found.config, "app.toml");
    EXPECT_EQ(a.left(), (words{"app", "in.txt", "-v", "out.txt"}));
}

TEST(command_line, nothing_to_take) {
    arguments a({"app", "--executors=x", "--work", "-executor"});
    const auto found = cadre::detail::take_command_line(a.argc, a.argv());
    EXPECT_FALSE(found.executor || found.workers || found.config);
    EXPECT_EQ(a.left(), (words{"app", "--executors=x", "--work", "-executor"}));
}

TEST(command_line, takes_settings_of_named_executors) {
    arguments a({"app", "--executor.cpu=process:2", "in.txt", "--executor.cpu", "serial", "--executor.a-b="});
    const auto found = cadre::detail::take_command_line(a.argc, a.argv());
    ASSERT_EQ(found.named.size(), 3u);
    EXPECT_EQ(found.named[0].origin, "--executor.cpu");
    EXPECT_EQ(found.named[0].name, "cpu");
    EXPECT_EQ(found.named[0].spec, "process:2");
    EXPECT_EQ(found.named[1].spec, "serial");
    EXPECT_EQ(found.named[2].name, "a-b");
    EXPECT_EQ(found.named[2].spec, "");
    EXPECT_EQ(a.left(), (words{"app", "in.txt"}));
}

TEST(command_line, stops_at_two_dashes) {
    arguments a({"app", "--executor=serial", "--", "--executor=thread", "--workers=4"});
    EXPECT_EQ(cadre::detail::take_command_line(a.argc, a.argv()).executor, "serial");
    EXPECT_EQ(a.left(), (words{"app", "--", "--executor=thread", "--workers=4"}));
}

TEST(command_line, the_last_one_wins) {
    arguments a({"app", "--executor=serial", "--executor", "thread"});
    EXPECT_EQ(cadre::detail::take_command_line(a.argc, a.argv()).executor, "thread");
    EXPECT_EQ(a.left(), (words{"app"}));
}

TEST(command_line, an_empty_value_is_a_value) {
    arguments a({"app", "--executor="});
    EXPECT_EQ(cadre::detail::take_command_line(a.argc, a.argv()).executor, "");
}

TEST(command_line, a_missing_value_is_an_error) {
    for (const words& line : {words{"app", "--workers"}, words{"app", "--workers", "--executor=serial"}}) {
        arguments a(line);
        try {
            static_cast<void>(cadre::detail::take_command_line(a.argc, a.argv()));
            FAIL();
        } catch (const cadre::config_error& e) {
            EXPECT_STREQ(e.what(), "--workers: expected a value");
        }
    }
}

TEST(command_line, an_empty_command_line) {
    char* argv[] = {nullptr};
    int argc = 0;
    EXPECT_FALSE(cadre::detail::take_command_line(argc, argv).executor);
    EXPECT_EQ(argc, 0);
}

TEST(environment, an_empty_variable_is_unset) {
    ::setenv("CADRE_EXECUTOR", "serial", 1);
    ::setenv("CADRE_WORKERS", "", 1);
    const auto found = cadre::detail::from_environment();
    ::unsetenv("CADRE_EXECUTOR");
    ::unsetenv("CADRE_WORKERS");
    EXPECT_EQ(found.executor, "serial");
    EXPECT_FALSE(found.workers);
}

TEST(environment, settings_of_named_executors) {
    ::setenv("CADRE_EXECUTOR_CPU", "process:2", 1);
    ::setenv("CADRE_EXECUTOR_GPU", "", 1);
    const auto found = cadre::detail::from_environment();
    ::unsetenv("CADRE_EXECUTOR_CPU");
    ::unsetenv("CADRE_EXECUTOR_GPU");
    ASSERT_EQ(found.named.size(), 1u);
    EXPECT_EQ(found.named[0].origin, "CADRE_EXECUTOR_CPU");
    EXPECT_EQ(found.named[0].name, "CPU");
    EXPECT_EQ(found.named[0].spec, "process:2");
}

}  // namespace
