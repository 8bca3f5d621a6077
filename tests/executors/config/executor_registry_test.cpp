#include "executors/config/lists_of_kinds.hpp"
#include <cadre/executor_registry.hpp>
#include <cadre/make_executor.hpp>

#include "config/kinds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

namespace {

class named_backend final : public cadre::executor_backend {
public:
    explicit named_backend(std::string name) : name_(std::move(name)) {}
    cadre::executor_kind kind() const noexcept override { return cadre::executor_kind::custom; }
    std::size_t concurrency() const noexcept override { return 1; }
    std::string name() const override { return name_; }
    void submit(std::span<cadre::work_item* const>) noexcept override {}

private:
    std::string name_;
};

cadre::executor_factory factory_of(const std::string& prefix) {
    return [prefix](const cadre::executor_config& c) {
        return cadre::executor{std::make_shared<named_backend>(prefix + std::to_string(c.workers().value_or(7)) +
                                                               c.string("mode").value_or(""))};
    };
}

template <class Function>
std::string error_of(Function f) {
    try {
        f();
    } catch (const cadre::config_error& e) {
        return without_optional_kinds(e.what());
    }
    return "no error";
}

TEST(executor_registry, knows_the_built_in_kinds) {
    const std::vector<std::string> kinds = cadre::executor_kinds();
    for (const char* kind : {"process", "serial", "thread"})
        EXPECT_TRUE(std::ranges::find(kinds, kind) != kinds.end()) << kind;
    EXPECT_TRUE(std::ranges::is_sorted(kinds));
}

// A registered kind stays for the whole program, and other tests list the kinds, so that this test runs in a
// process of its own.
[[noreturn]] void use_a_kind_of_ones_own() {
    cadre::register_executor_kind("mine", factory_of("mine-"));
    const auto from_file = cadre::config::parse("[executors.m]\nkind = \"mine\"\nlimits.cpu = 3\n").executors.at("m");
    const std::pair<std::string, std::string> results[] = {
        {cadre::make_executor("mine").name(), "mine-7"},
        {cadre::make_executor("mine:4").name(), "mine-4"},
        {cadre::make_executor({.kind = "mine", .options = {{"workers", 2}, {"mode", "x"}}}).name(), "mine-2x"},
        {error_of([] { cadre::register_executor_kind("mine", factory_of("again")); }),
         "executor kind 'mine' is registered already"},
        {error_of([] { static_cast<void>(cadre::make_executor("mime")); }),
         "unknown executor kind 'mime'; did you mean 'mine'? (kinds: mine, process, serial, thread)"},
        {std::to_string(from_file.integer("limits.cpu").value_or(0)), "3"},
    };
    for (const auto& [got, expected] : results) {
        if (got != expected) {
            std::cerr << got << " instead of " << expected << '\n';
            std::_Exit(1);
        }
    }
    std::_Exit(0);
}

TEST(executor_registry_DeathTest, a_kind_of_ones_own) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(use_a_kind_of_ones_own(), ::testing::ExitedWithCode(0), "");
}

TEST(executor_registry, refuses_bad_names) {
    for (const char* name : {"", "3d", "a b", "a:b", "-x"})
        EXPECT_THROW(cadre::register_executor_kind(name, factory_of("")), cadre::config_error) << name;
    EXPECT_EQ(error_of([] { cadre::register_executor_kind("thread", factory_of("")); }),
              "executor kind 'thread' is registered already");
    EXPECT_THROW(cadre::register_executor_kind("empty", nullptr), cadre::config_error);
}

TEST(make_executor, refuses_what_it_cannot_make) {
    const auto refused = [](std::string_view spec) {
        return error_of([spec] { static_cast<void>(cadre::make_executor(spec)); });
    };
    EXPECT_EQ(refused("proces"),
              "unknown executor kind 'proces'; did you mean 'process'? (kinds: process, serial, thread)");
    EXPECT_EQ(refused("thread:0"), "thread:0: expected a positive whole number of workers, got \"0\"");
    EXPECT_EQ(refused("thread:-1"), "thread:-1: expected a positive whole number of workers, got \"-1\"");
    EXPECT_EQ(refused("thread:1:2"), "thread:1:2: expected a positive whole number of workers, got \"1:2\"");
    EXPECT_EQ(
        refused("serial:virtual,sed=7"),
        "serial:virtual,sed=7: sed: unknown option of the kind 'serial'; did you mean 'seed'? (options: clock, seed, "
        "workers)");
    cadre::detail::add_kind("lacking", {.missing = "this build has no such library"});
    EXPECT_EQ(refused("lacking"), "this build has no such library");
    EXPECT_EQ(refused(""), "expected KIND, KIND:WORKERS, KIND:OPTION=VALUE or the name of an executor, got \"\"");
    EXPECT_EQ(error_of([] {
                  static_cast<void>(cadre::make_executor({.kind = "thread", .options = {{"task_timeout", "2s"}}}));
              }),
              "task_timeout: the kind 'thread' cannot honour this option (process, cluster can)");
}

}  // namespace
