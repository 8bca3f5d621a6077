#include "common/worker_memory.hpp"
#include "config/kinds.hpp"
#include "config/names.hpp"
#include "config/resolve.hpp"
#include "executors/config/lists_of_kinds.hpp"
#include "executors/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

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

cadre::detail::named_spec cpu(const char* spec) { return {"--executor.cpu", "cpu", spec}; }
cadre::detail::named_spec gpu(const char* spec) { return {"CADRE_EXECUTOR_GPU", "GPU", spec}; }

// CADRE_CONFIG or --config names the file above if `config` is "file", a file that chooses `serial` if it is "serial".
class precedence : public ::testing::TestWithParam<row> {
protected:
    static settings with_file(settings s, const temporary_folder& folder) {
        if (s.config == "file")
            s.config = folder.write("app.toml", file_text).string();
        else if (s.config == "serial")
            s.config = folder.write("serial.toml", "executor = \"serial\"\n").string();
        return s;
    }
};

TEST_P(precedence, chooses_the_strongest) {
    const temporary_folder folder;
    const auto r = resolve(with_file(GetParam().command_line, folder), with_file(GetParam().environment, folder));
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
    // A weaker count that the chosen kind cannot have is ignored.
    {"weaker_workers_on_serial", {.executor = "serial"}, {.workers = "3"}, "serial"},
    {"weaker_workers_on_serial_by_name", {.executor = "loop"}, {.workers = "3", .config = "file"}, "loop serial"},
    {"weaker_workers_that_are_no_number", {.executor = "serial"}, {.workers = "many"}, "serial"},
    {"weaker_workers_on_the_file_of_an_option", {.config = "serial"}, {.workers = "3"}, "serial"},
    {"weaker_count_on_a_name", {.named = {cpu("serial")}}, {.executor = "cpu:5", .config = "file"}, "cpu serial"},
    {"weaker_workers_on_a_name", {.named = {cpu("serial")}}, {.workers = "5", .config = "file"}, "cpu serial"},
    {"weaker_spec_is_never_read", {.executor = "serial"}, {.executor = "no:such:spec"}, "serial"},
    {"weaker_name_that_the_file_lacks", {.executor = "serial"}, {.named = {gpu("serial")}}, "serial"},
    {"weaker_name_that_the_files_option_lacks", {.config = "file"}, {.named = {gpu("serial")}}, "cpu thread:8"},
    // --executor.NAME and CADRE_EXECUTOR_NAME
    {"name_gets_a_kind", {.named = {cpu("process")}}, {.config = "file"}, "cpu process:8"},
    {"name_gets_kind_and_count", {.named = {cpu("process:2")}}, {.config = "file"}, "cpu process:2"},
    {"name_gets_a_kind_without_that_option", {.named = {cpu("serial")}}, {.config = "file"}, "cpu serial"},
    {"name_by_variable", {}, {.config = "file", .named = {{"CADRE_EXECUTOR_CPU", "CPU", "serial"}}}, "cpu serial"},
    {"name_option_over_variable",
     {.named = {cpu("process:2")}},
     {.config = "file", .named = {{"CADRE_EXECUTOR_CPU", "CPU", "serial"}}},
     "cpu process:2"},
    {"name_as_another", {.named = {cpu("untrusted")}}, {.config = "file"}, "cpu process"},
    {"name_and_workers", {.workers = "3", .named = {cpu("process:2")}}, {.config = "file"}, "cpu process:3"},
    {"name_over_weaker_workers", {.named = {cpu("process:2")}}, {.workers = "3", .config = "file"}, "cpu process:2"},
    {"name_over_weaker_spec", {.named = {cpu("process:2")}}, {.executor = "cpu:3", .config = "file"}, "cpu process:2"},
    {"name_under_stronger_spec",
     {.executor = "cpu:3"},
     {.config = "file", .named = {cpu("process:2")}},
     "cpu process:3"},
    {"key_over_weaker_workers", {.executor = "thread:workers=5"}, {.workers = "3"}, "thread:5"},
    {"key_of_a_name_over_weaker_workers",
     {.named = {cpu("thread:workers=5")}},
     {.workers = "3", .config = "file"},
     "cpu thread:5"},
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
        EXPECT_EQ(without_optional_kinds(e.what()), GetParam().error);
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
     "--executor: expected KIND, KIND:WORKERS, KIND:OPTION=VALUE or the name of an executor, got \"\""},
    {"clock_of_another_kind",
     {.executor = "thread:2,virtual"},
     {},
     "--executor: thread:2,virtual: clock: the kind 'thread' cannot honour this option (serial can)"},
    {"seed_of_another_kind",
     {},
     {.executor = "process:seed=7"},
     "CADRE_EXECUTOR: process:seed=7: seed: the kind 'process' cannot honour this option (serial can)"},
    {"clock_misspelt",
     {.executor = "serial:virtul,seed=7"},
     {},
     "--executor: serial:virtul,seed=7: expected virtual, real or seed=NUMBER, got \"virtul\""},
    {"clock_unknown",
     {.executor = "serial:clock=lunar"},
     {},
     "--executor: serial:clock=lunar: clock: expected \"real\" or \"virtual\", got \"lunar\""},
    {"seed_negative",
     {.executor = "serial:virtual,seed=-1"},
     {},
     "--executor: serial:virtual,seed=-1: seed: expected a whole number that is not negative, got -1"},
    {"seed_text",
     {},
     {.executor = "serial:seed=seven"},
     "CADRE_EXECUTOR: serial:seed=seven: seed: expected a whole number that is not negative, got \"seven\""},
    {"seed_beyond_64_bits",
     {.executor = "serial:seed=18446744073709551616"},
     {},
     "--executor: serial:seed=18446744073709551616: seed: expected at most 18446744073709551615, got "
     "\"18446744073709551616\""},
    {"workers_beyond_64_bits",
     {.workers = "99999999999999999999"},
     {},
     "--workers: expected at most 4096 workers, got 99999999999999999999"},
    {"seed_twice", {.executor = "serial:seed=1,seed=2"}, {}, "--executor: serial:seed=1,seed=2: 'seed' is given twice"},
    {"key_misspelt",
     {.executor = "serial:sed=1"},
     {},
     "--executor: serial:sed=1: sed: unknown option of the kind 'serial'; did you mean 'seed'? (options: clock, seed, "
     "workers)"},
    {"workers_by_key_and_count",
     {.executor = "thread:2,workers=3"},
     {},
     "--executor: thread:2,workers=3: the number of workers is given twice"},
    {"workers_by_key_of_a_name",
     {.executor = "serial:workers=2"},
     {},
     "--executor: serial:workers=2: the kind 'serial' has exactly one worker, got 2"},
    {"neither_count_nor_option",
     {.executor = "thread:2,fast"},
     {},
     "--executor: thread:2,fast: expected a positive whole number of workers, got \"fast\""},
    {"no_file", {.config = ""}, {}, "--config: expected a file"},
    {"workers_twice", {.executor = "thread:2,3"}, {}, "--executor: thread:2,3: the number of workers is given twice"},
    {"serial_count",
     {.executor = "serial:2"},
     {},
     "--executor: serial:2: the kind 'serial' has exactly one worker, got 2"},
    {"serial_workers",
     {.executor = "serial", .workers = "4"},
     {},
     "--workers: the kind 'serial' has exactly one worker, got 4"},
    {"stronger_workers_on_serial",
     {.workers = "4"},
     {.executor = "serial"},
     "--workers: the kind 'serial' has exactly one worker, got 4"},
    {"serial_workers_of_the_environment",
     {},
     {.executor = "serial", .workers = "4"},
     "CADRE_WORKERS: the kind 'serial' has exactly one worker, got 4"},
    {"name_without_a_file",
     {.named = {{"--executor.cpu", "cpu", "serial"}}},
     {},
     "--executor.cpu: the configuration names no executor 'cpu'"},
    {"name_of_a_variable_without_a_file",
     {},
     {.named = {{"CADRE_EXECUTOR_CPU", "CPU", "serial"}}},
     "CADRE_EXECUTOR_CPU: the configuration names no executor 'cpu'"},
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
        EXPECT_EQ(without_optional_kinds(e.what()),
                  file + ":1:12: executor: unknown executor kind 'gpu'; did you mean 'cpu'? (kinds: process, "
                         "serial, thread; named in the configuration: cpu)");
    }
}

TEST(resolve, another_kind_keeps_the_options_that_fit_it) {
    const temporary_folder folder;
    const std::string file = folder
                                 .write("app.toml", "[executors.u]\nkind = \"process\"\nworkers = 3\n"
                                                    "task_timeout = \"2s\"\naffinity = [0]\n")
                                 .string();
    const auto as = [&](const char* spec) {
        return resolve({.config = file, .named = {{"--executor.u", "u", spec}}}, {}).all.executors.at("u").options;
    };
    EXPECT_EQ(as("process:2").size(), 3u);
    EXPECT_EQ(as("thread").size(), 2u);
    EXPECT_FALSE(as("thread").contains("task_timeout"));
    EXPECT_TRUE(as("serial").empty());
}

TEST(resolve, a_spec_has_values_of_every_type) {
    cadre::detail::spec read = cadre::detail::parse_spec("cluster:nodes=3,nodes_wait=2m,local=false,name=far", "");
    const cadre::executor_config options{.kind = read.name, .options = std::move(read.options)};
    EXPECT_EQ(options.count("nodes"), 3u);
    EXPECT_EQ(options.duration("nodes_wait"), std::chrono::minutes(2));
    EXPECT_EQ(options.boolean("local"), false);
    EXPECT_EQ(options.string("name"), "far");
}

TEST(resolve, a_bad_setting_of_a_name_has_its_origin) {
    const temporary_folder folder;
    const std::string file = folder.write("app.toml", file_text).string();
    const auto error_of = [&](const char* name, const char* spec) -> std::string {
        try {
            static_cast<void>(
                resolve({.config = file, .named = {{std::string("--executor.") + name, name, spec}}}, {}));
        } catch (const cadre::config_error& e) {
            return without_optional_kinds(e.what());
        }
        return "";
    };
    EXPECT_EQ(error_of("cpx", "serial"),
              "--executor.cpx: the configuration names no executor 'cpx'; did you mean 'cpu'? (it "
              "names cpu, loop, untrusted)");
    EXPECT_EQ(error_of("cpu", "serial:2"), "--executor.cpu: serial:2: the kind 'serial' has exactly one worker, got 2");
    cadre::detail::add_kind("lacking_too", {.missing = "this build has no such library"});
    EXPECT_EQ(error_of("cpu", "lacking_too"), "--executor.cpu: this build has no such library");
    EXPECT_EQ(error_of("cpu", ""),
              "--executor.cpu: expected KIND, KIND:WORKERS, KIND:OPTION=VALUE or the name of an executor, got \"\"");
    EXPECT_EQ(
        error_of("untrusted", "tread"),
        "--executor.untrusted: unknown executor kind 'tread'; did you mean 'thread'? (kinds: process, serial, thread; "
        "named in the configuration: cpu, loop, untrusted)");
}

TEST(resolve, options_that_this_machine_cannot_honour_are_refused_for_the_default_executor) {
    const temporary_folder folder;
    const std::string file = folder
                                 .write("app.toml", "[executors.far]\nkind = \"thread\"\naffinity = [0, 1023]\n"
                                                    "[executors.small]\nkind = \"process\"\nmemory_limit = 1\n")
                                 .string();
    EXPECT_NO_THROW(static_cast<void>(resolve({.executor = "serial", .config = file}, {})));
    try {
        static_cast<void>(resolve({.executor = "far", .config = file}, {}));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_TRUE(std::string_view(e.what()).starts_with(
            file + ":3:12: executors.far.affinity: expected CPUs that this process may use ("))
            << e.what();
        EXPECT_TRUE(std::string_view(e.what()).ends_with("), got 1023")) << e.what();
    }
    if (cadre::detail::least_worker_memory() == 0) return;  // sanitizers: the limit is not enforced
    try {
        static_cast<void>(resolve({.executor = "small", .config = file}, {}));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_TRUE(
            std::string_view(e.what()).starts_with(file + ":6:16: executors.small.memory_limit: expected at least "))
            << e.what();
    }
}

TEST(resolve, a_file_may_list_what_this_build_lacks) {
    const temporary_folder folder;
    const std::string file = folder.write("app.toml", "[executors.far]\nkind = \"lacking_here\"\n").string();
    cadre::detail::add_kind("lacking_here", {.missing = "this build has no such library"});
    EXPECT_EQ(resolve({.config = file}, {}).chosen.kind, "thread");
    try {
        static_cast<void>(resolve({.executor = "far", .config = file}, {}));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_EQ(e.what(), file + ":1:1: executors.far: this build has no such library");
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
        EXPECT_EQ(without_optional_kinds(e.what()),
                  "executors.other.kind: unknown executor kind 'thred'; did you mean 'thread'? (kinds: "
                  "process, serial, thread)");
    }
}

}  // namespace
