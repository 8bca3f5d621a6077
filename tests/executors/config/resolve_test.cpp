#include "config/resolve.hpp"
#include "executors/temporary_folder.hpp"

#include <gtest/gtest.h>

namespace {

using cadre::detail::resolve;
using cadre::detail::settings;

constexpr const char* file_text = R"(executor = "cpu"
[executors.cpu]
kind = "thread"
workers = 8
[executors.untrusted]
kind = "process"
[executors.loop]
kind = "serial"
)";

struct row {
    const char* name;
    settings command_line;
    settings environment;
    const char* executor;  // kind:workers, or a name from the file before it
};

// Above all rows CADRE_CONFIG or --config names the file if `config` is "file".
class precedence : public ::testing::TestWithParam<row> {
protected:
    static settings with_file(settings s, const std::string& file) {
        if (s.config == "file") {
            s.config = file;
        }
        return s;
    }
};

TEST_P(precedence, chooses_the_strongest) {
    const temporary_folder folder;
    const std::string file = folder.write("app.toml", file_text).string();
    const auto r = resolve(with_file(GetParam().command_line, file), with_file(GetParam().environment, file));
    const auto workers = r.chosen.workers();
    EXPECT_EQ((r.chosen.name.empty() ? "" : r.chosen.name + " ") + r.chosen.kind +
                  (workers ? ":" + std::to_string(*workers) : ""),
              GetParam().executor);
    if (!r.chosen.name.empty()) {
        EXPECT_EQ(r.all.executors.at(r.chosen.name).workers(), workers);
    }
}

const row rows[] = {
    {"default", {}, {}, "thread"},
    {"file", {}, {.config = "file"}, "cpu thread:8"},
    {"file_by_option", {.config = "file"}, {.config = "missing.toml"}, "cpu thread:8"},
    {"environment_over_file", {}, {.executor = "serial", .config = "file"}, "serial"},
    {"option_over_environment", {.executor = "process:3"}, {.executor = "serial", .config = "file"}, "process:3"},
    {"name_from_file", {.executor = "untrusted"}, {.config = "file"}, "untrusted process"},
    {"name_with_count", {.executor = "untrusted:5"}, {.config = "file"}, "untrusted process:5"},
    {"workers_of_the_default", {.workers = "2"}, {}, "thread:2"},
    {"workers_over_file", {}, {.workers = "2", .config = "file"}, "cpu thread:2"},
    {"workers_option_over_variable", {.workers = "4"}, {.workers = "2", .config = "file"}, "cpu thread:4"},
    {"workers_over_weaker_spec", {.workers = "4"}, {.executor = "process:3"}, "process:4"},
    {"spec_over_weaker_workers", {.executor = "process:3"}, {.workers = "4"}, "process:3"},
    {"workers_over_spec_of_the_same_source", {.executor = "thread:8", .workers = "2"}, {}, "thread:2"},
    {"workers_fill_a_spec_without_count", {.executor = "process"}, {.workers = "4"}, "process:4"},
    {"serial_has_one", {.executor = "serial", .workers = "1"}, {}, "serial:1"},
};

INSTANTIATE_TEST_SUITE_P(table, precedence, ::testing::ValuesIn(rows),
                         [](const auto& row_of) { return std::string(row_of.param.name); });

struct refused {
    const char* name;
    settings command_line;
    settings environment;
    const char* error;
};

class refusals : public ::testing::TestWithParam<refused> {};

TEST_P(refusals, name_the_source) {
    try {
        static_cast<void>(resolve(GetParam().command_line, GetParam().environment));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_STREQ(e.what(), GetParam().error);
    }
}

const refused reason_table[] = {
    {"kind_of_option",
     {.executor = "proces"},
     {},
     "--executor: unknown executor kind 'proces'; did you mean 'process'? (kinds: process, serial, thread)"},
    {"kind_of_variable",
     {},
     {.executor = "tread:2"},
     "CADRE_EXECUTOR: unknown executor kind 'tread'; did you mean 'thread'? (kinds: process, serial, thread)"},
    {"workers_zero", {.workers = "0"}, {}, "--workers: expected a positive whole number of workers, got \"0\""},
    {"workers_text",
     {},
     {.workers = "three"},
     "CADRE_WORKERS: expected a positive whole number of workers, got \"three\""},
    {"workers_many", {.workers = "4097"}, {}, "--workers: expected at most 4096 workers, got 4097"},
    {"count_zero",
     {.executor = "thread:0"},
     {},
     "--executor: thread:0: expected a positive whole number of workers, got \"0\""},
    {"count_missing",
     {.executor = "thread:"},
     {},
     "--executor: thread:: expected a positive whole number of workers, got \"\""},
    {"empty_spec",
     {.executor = ""},
     {},
     "--executor: expected KIND, KIND:WORKERS or the name of an executor, got \"\""},
    {"serial_count",
     {.executor = "serial:2"},
     {},
     "--executor: serial:2: the kind 'serial' has exactly one worker, got 2"},
    {"serial_workers",
     {.executor = "serial"},
     {.workers = "4"},
     "CADRE_WORKERS: the kind 'serial' has exactly one worker, got 4"},
    {"mpi", {.executor = "mpi"}, {}, "--executor: this build of cadre has no MPI executor"},
    {"missing_file",
     {.config = "no/such.toml"},
     {},
     "--config: no/such.toml: cannot be read: No such file or directory"},
    {"missing_file_of_variable",
     {},
     {.config = "no/such.toml"},
     "CADRE_CONFIG: no/such.toml: cannot be read: No such file or directory"},
};

INSTANTIATE_TEST_SUITE_P(table, refusals, ::testing::ValuesIn(reason_table),
                         [](const auto& row_of) { return std::string(row_of.param.name); });

TEST(resolve, an_unknown_name_in_the_file_has_its_place) {
    const temporary_folder folder;
    const std::string file =
        folder.write("app.toml", "executor = \"gpu\"\n[executors.cpu]\nkind = \"serial\"\n").string();
    try {
        static_cast<void>(resolve({.config = file}, {}));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_EQ(e.what(), file + ":1:12: executor: unknown executor kind 'gpu'; did you mean 'cpu'? (kinds: process, "
                                   "serial, thread; named in the configuration: cpu)");
    }
}

TEST(resolve, a_file_may_list_what_this_build_lacks) {
    const temporary_folder folder;
    const std::string file = folder.write("app.toml", "[executors.cluster]\nkind = \"mpi\"\n").string();
    EXPECT_EQ(resolve({.config = file}, {}).chosen.kind, "thread");
    try {
        static_cast<void>(resolve({.executor = "cluster", .config = file}, {}));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_EQ(e.what(), file + ":1:1: executors.cluster: this build of cadre has no MPI executor");
    }
}

TEST(resolve, a_configuration_built_in_code_is_checked_whole) {
    cadre::config c;
    EXPECT_EQ(resolve(c).chosen.kind, "thread");
    c.executor = "loop";
    c.executors["loop"] = {.kind = "serial"};
    EXPECT_EQ(resolve(c).chosen.name, "loop");
    c.executors["other"] = {.kind = "thread", .options = {{"workers", 0}}};
    try {
        static_cast<void>(resolve(c));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_STREQ(e.what(), "executors.other.workers: expected a positive whole number, got 0");
    }
    c.executors["other"] = {.kind = "thred"};
    try {
        static_cast<void>(resolve(c));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_STREQ(e.what(), "executors.other.kind: unknown executor kind 'thred'; did you mean 'thread'? (kinds: "
                               "process, serial, thread)");
    }
}

}  // namespace
