#include "executors/config/lists_of_kinds.hpp"
#include "executors/temporary_folder.hpp"

#include <cadre/config.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <random>

namespace {

using namespace std::chrono_literals;
using cadre::config;

std::string error_of(std::string_view text) {
    try {
        static_cast<void>(config::parse(text, "app.toml"));
    } catch (const cadre::config_error& e) {
        return without_optional_kinds(e.what());
    }
    return "no error";
}

TEST(config, reads_the_documented_file) {
    const config c = config::parse(R"(
executor = "cpu"

[executors.cpu]
kind = "thread"
workers = 8

[executors.untrusted]
kind = "process"
workers = 3
start = "forkserver"
task_timeout = "2s"
memory_limit = "256MiB"
max_tasks_per_worker = 1000
tasks_per_worker = 1
)");
    EXPECT_EQ(c.executor, "cpu");
    ASSERT_EQ(c.executors.size(), 2u);
    EXPECT_EQ(c.executors.at("cpu").kind, "thread");
    EXPECT_EQ(c.executors.at("cpu").workers(), 8);
    const cadre::executor_config& untrusted = c.executors.at("untrusted");
    EXPECT_EQ(untrusted.name, "untrusted");
    EXPECT_EQ(untrusted.kind, "process");
    EXPECT_EQ(untrusted.string("start"), "forkserver");
    EXPECT_EQ(untrusted.duration("task_timeout"), 2s);
    EXPECT_EQ(untrusted.bytes("memory_limit"), std::size_t{256} << 20);
    EXPECT_EQ(untrusted.count("tasks_per_worker"), 1u);
    EXPECT_EQ(untrusted.count("retries"), std::nullopt);
}

TEST(config, an_empty_file_configures_nothing) {
    const config c = config::parse("# nothing\n");
    EXPECT_EQ(c.executor, "");
    EXPECT_TRUE(c.executors.empty());
}

struct wrong {
    const char* name;
    const char* text;
    const char* error;
};

class config_errors : public ::testing::TestWithParam<wrong> {};

TEST_P(config_errors, say_where_and_what) { EXPECT_EQ(error_of(GetParam().text), GetParam().error); }

const wrong table[] = {
    {"empty_executor", "executor = \"\"\n",
     "app.toml:1:12: executor: expected the name of an executor or KIND:WORKERS, got \"\""},
    {"workers_type", "[executors.u]\nkind = \"process\"\nworkers = \"three\"\n",
     "app.toml:3:11: executors.u.workers: expected a positive whole number, got \"three\""},
    {"workers_zero", "[executors.u]\nkind = \"thread\"\nworkers = 0\n",
     "app.toml:3:11: executors.u.workers: expected a positive whole number, got 0"},
    {"workers_negative", "executors.u = { kind = \"thread\", workers = -2 }\n",
     "app.toml:1:44: executors.u.workers: expected a positive whole number, got -2"},
    {"workers_fraction", "[executors.u]\nkind = \"thread\"\nworkers = 3.0\n",
     "app.toml:3:11: executors.u.workers: expected a positive whole number, got 3.0"},
    {"workers_too_many", "[executors.u]\nkind = \"thread\"\nworkers = 5000\n",
     "app.toml:3:11: executors.u.workers: expected at most 4096, got 5000"},
    {"clock_of_serial", "[executors.u]\nkind = \"serial\"\nclock = \"virtul\"\n",
     "app.toml:3:9: executors.u.clock: expected \"real\" or \"virtual\", got \"virtul\""},
    {"seed_of_serial", "[executors.u]\nkind = \"serial\"\nseed = -7\n",
     "app.toml:3:8: executors.u.seed: expected a whole number that is not negative, got -7"},
    {"seed_beyond_64_bits", "[executors.u]\nkind = \"serial\"\nseed = \"18446744073709551616\"\n",
     "app.toml:3:8: executors.u.seed: expected at most 18446744073709551615, got \"18446744073709551616\""},
    {"table_for_a_value", "[executors.u]\nkind = \"thread\"\nworkers = {count = 1}\n",
     "app.toml:3:20: executors.u.workers.count: 'workers' takes a single value, not a table"},
    {"table_for_the_kind", "[executors.u.kind]\nname = \"thread\"\n",
     "app.toml:2:8: executors.u.kind.name: 'kind' takes a single value, not a table"},
    {"soft_limit_above_the_limit",
     "[executors.u]\nkind = \"process\"\nmemory_limit = \"1KiB\"\nmemory_soft_limit = \"2KiB\"\n",
     "app.toml:4:21: executors.u.memory_soft_limit: expected at most memory_limit (1024B), got 2048B: no worker can "
     "use "
     "more than memory_limit"},
    {"retries_too_many", "[executors.u]\nkind = \"process\"\nretries = 3000000000\n",
     "app.toml:3:11: executors.u.retries: expected at most 2147483647, got 3000000000"},
    {"seed_of_thread", "[executors.u]\nkind = \"thread\"\nseed = 7\n",
     "app.toml:3:8: executors.u.seed: the kind 'thread' cannot honour this option (serial can)"},
    {"workers_of_serial", "[executors.u]\nkind = \"serial\"\nworkers = 2\n",
     "app.toml:3:11: executors.u.workers: the kind 'serial' has exactly one worker, got 2"},
    {"duration_number", "[executors.u]\nkind = \"process\"\ntask_timeout = 2\n",
     "app.toml:3:16: executors.u.task_timeout: expected a duration such as \"500ms\" or \"2s\" (units: ns, us, ms, s, "
     "m, min, h, d), got 2"},
    {"duration_unit", "[executors.u]\nkind = \"process\"\nkill_grace = \"2 weeks\"\n",
     "app.toml:3:14: executors.u.kill_grace: expected a duration such as \"500ms\" or \"2s\" (units: ns, us, ms, s, m, "
     "min, h, d), got \"2 "
     "weeks\""},
    {"size", "[executors.u]\nkind = \"process\"\nmemory_limit = \"lots\"\n",
     "app.toml:3:16: executors.u.memory_limit: expected a size such as \"256MiB\" or \"1G\" (units: B, kB, MB, GB, TB, "
     "and K, M, G, T or KiB, MiB, GiB, TiB for powers of 1024), got \"lots\""},
    {"size_negative", "[executors.u]\nkind = \"process\"\nmemory_limit = -1\n",
     "app.toml:3:16: executors.u.memory_limit: expected a size such as \"256MiB\" or \"1G\" (units: B, kB, MB, GB, TB, "
     "and K, M, G, T or KiB, MiB, GiB, TiB for powers of 1024), got -1"},
    {"choice", "[executors.u]\nkind = \"process\"\nstart = \"fork\"\n",
     "app.toml:3:9: executors.u.start: expected \"forkserver\" or \"spawn\", got \"fork\""},
    {"choice_type", "[executors.u]\nkind = \"process\"\noutput = true\n",
     "app.toml:3:10: executors.u.output: expected \"inherit\", \"prefix\", \"capture\" or \"null\", got true"},
    {"count_negative", "[executors.u]\nkind = \"process\"\nretries = -1\n",
     "app.toml:3:11: executors.u.retries: expected a whole number that is not negative, got -1"},
    {"affinity_type", "[executors.u]\nkind = \"thread\"\naffinity = [0, \"1\"]\n",
     "app.toml:3:12: executors.u.affinity: expected an array of whole numbers, got [0, \"1\"]"},
    {"affinity_range", "[executors.u]\nkind = \"thread\"\naffinity = [0, 9999]\n",
     "app.toml:3:12: executors.u.affinity: expected CPUs from 0 to 1023, got 9999"},
    {"option_of_another_kind", "[executors.u]\nkind = \"thread\"\ntask_timeout = \"2s\"\n",
     "app.toml:3:16: executors.u.task_timeout: the kind 'thread' cannot honour this option (process, cluster can)"},
    {"initializer", "[executors.u]\nkind = \"process\"\ninitializer = \"f\"\n",
     "app.toml:3:15: executors.u.initializer: a file cannot name a function; set process_options::initializer "
     "in "
     "code"},
    {"option_mistyped", "[executors.u]\nkind = \"process\"\ntask_timeuot = \"2s\"\n",
     "app.toml:3:16: executors.u.task_timeuot: unknown option of the kind 'process'; did you mean 'task_timeout'? "
     "(options: "
     "affinity, kill_grace, max_pending, max_tasks_per_worker, memory_limit, memory_soft_limit, output, retries, "
     "start, "
     "task_timeout, tasks_per_worker, workers)"},
    {"unknown_option", "[executors.u]\nkind = \"thread\"\ncolour = \"red\"\n",
     "app.toml:3:10: executors.u.colour: unknown option of the kind 'thread' (options: affinity, workers)"},
    {"nested_option", "[executors.u]\nkind = \"thread\"\n[executors.u.tls]\nkey = 1\n",
     "app.toml:4:7: executors.u.tls.key: unknown option of the kind 'thread' (options: affinity, workers)"},
    {"kind_missing", "\n[executors.u]\nworkers = 2\n",
     "app.toml:2:1: executors.u.kind: missing; expected one of process, serial, thread"},
    {"kind_unknown", "[executors.u]\nkind = \"proces\"\n",
     "app.toml:2:8: executors.u.kind: unknown executor kind 'proces'; did you mean 'process'? (kinds: process, "
     "serial, thread)"},
    {"kind_type", "[executors.u]\nkind = 3\n", "app.toml:2:8: executors.u.kind: expected a string, got 3"},
    {"key_unknown", "exector = \"thread\"\n", "app.toml:1:1: exector: unknown key; did you mean 'executor'?"},
    {"executor_for_executors", "[executor.u]\nkind = \"thread\"\n",
     "app.toml:1:1: executor: expected a string, got a table; did you mean 'executors'?"},
    {"empty_table", "[executors.u]\nkind = \"thread\"\n[executors.u.tsl]\n",
     "app.toml:3:14: executors.u.tsl: expected options, got an empty table"},
    {"empty_inline_table", "[executors.u]\nkind = \"thread\"\n  worker = {}\n",
     "app.toml:3:3: executors.u.worker: expected options, got an empty table"},
    {"key_unknown_further_down", "executor = \"thread\"\n\n  [executrs.u]\nkind = \"thread\"\n",
     "app.toml:3:4: executrs: unknown key; did you mean 'executors'?"},
    {"unknown_option_of_cluster", "[executors.far]\nkind = \"cluster\"\nulr = \"amqp://b\"\n",
     "app.toml:3:7: executors.far.ulr: unknown option of the kind 'cluster'; did you mean 'url'? (options: affinity, "
     "ca, certificate, heartbeat, key, kill_grace, local, max_pending, max_tasks_per_worker, memory_limit, "
     "memory_soft_limit, name, nodes, nodes_wait, output, retries, start, task_timeout, tasks_per_worker, url, "
     "workers)"},
    {"executor_type", "executor = 4\n", "app.toml:1:12: executor: expected a string, got 4"},
    {"executors_type", "executors = \"thread\"\n", "app.toml:1:13: executors: expected a table, got \"thread\""},
    {"executor_no_table", "[executors]\ncpu = \"thread\"\n",
     "app.toml:2:7: executors.cpu: expected a table, got \"thread\""},
    {"executor_array", "[[executors.cpu]]\nkind = \"thread\"\n",
     "app.toml:1:1: executors.cpu: expected a table, got an array of tables"},
    {"executor_name", "[executors.\"two words\"]\nkind = \"thread\"\n",
     "app.toml:1:12: executors.two words: expected a name of letters, digits, '_' and '-', beginning with a letter"},
    {"date", "[executors.u]\nkind = \"process\"\nstart = 2026-01-01\n",
     "app.toml:3:9: executors.u.start: expected a string, a number, true, false or an array, got a date"},
};

INSTANTIATE_TEST_SUITE_P(table, config_errors, ::testing::ValuesIn(table),
                         [](const auto& row_of) { return std::string(row_of.param.name); });

TEST(config, a_syntax_error_has_its_place) {
    const std::string error = error_of("executor = \"cpu\"\n[executors.cpu\nkind = 1\n");
    EXPECT_TRUE(error.starts_with("app.toml:2:")) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    EXPECT_TRUE(error_of("executor = \"a\"\nexecutor = \"b\"\n").starts_with("app.toml:2:"));
}

TEST(config, malformed_toml_is_an_error_of_one_line) {
    const std::string good =
        "executor = \"cpu\"\n[executors.cpu]\nkind = \"process\"\nworkers = 3\ntask_timeout = \"2s\"\n"
        "affinity = [0, 1]\n[executors.u]\nkind = 'thread'\n# x\n";
    EXPECT_EQ(error_of(good), "no error");
    std::mt19937 random(1);
    const auto below = [&random](std::size_t n) { return random() % n; };
    for (int round = 0; round < 3000; ++round) {
        std::string text = good;
        for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
            const std::size_t at = below(text.size());
            switch (below(4)) {
                case 0: text[at] = static_cast<char>(below(256)); break;
                case 1: text.erase(at, 1 + below(5)); break;
                case 2: text.insert(at, std::string(text, below(text.size()), below(12))); break;
                default: text.insert(at, 1, "\"'[]{}=.\n0-\xe9"[below(12)]);
            }
        }
        const std::string error = error_of(text);
        EXPECT_TRUE(error == "no error" || error.starts_with("app.toml:")) << error;
        EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    }
}

TEST(config, loads_a_file) {
    const temporary_folder folder;
    const auto file = folder.write("app.toml", "executor = \"thread:2\"\n");
    EXPECT_EQ(config::load(file).executor, "thread:2");
    const auto bad = folder.write("bad.toml", "executor = 2\n");
    try {
        static_cast<void>(config::load(bad));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_EQ(e.what(), bad.string() + ":1:12: executor: expected a string, got 2");
    }
}

TEST(config, a_file_that_cannot_be_read) {
    const temporary_folder folder;
    const auto text_of = [](const std::filesystem::path& file) {
        try {
            static_cast<void>(config::load(file));
        } catch (const cadre::config_error& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    const auto missing = folder.path() / "missing.toml";
    EXPECT_EQ(text_of(missing), missing.string() + ": cannot be read: No such file or directory");
    EXPECT_EQ(text_of(folder.path()), folder.path().string() + ": cannot be read: it is a directory");
}

TEST(config, is_built_in_code) {
    config c;
    c.executor = "untrusted";
    c.executors["untrusted"] = {.kind = "process",
                                .options = {{"workers", 3},
                                            {"task_timeout", 1500ms},
                                            {"memory_limit", std::size_t{1} << 20},
                                            {"affinity", std::vector{0, 1}},
                                            {"output", "null"}}};
    const cadre::executor_config& untrusted = c.executors["untrusted"];
    EXPECT_EQ(untrusted.workers(), 3);
    EXPECT_EQ(untrusted.duration("task_timeout"), 1500ms);
    EXPECT_EQ(untrusted.bytes("memory_limit"), 1u << 20);
    EXPECT_EQ(untrusted.integers("affinity"), (std::vector<std::int64_t>{0, 1}));
    EXPECT_EQ(untrusted.string("output"), "null");
}

TEST(executor_config, a_factory_reads_values_of_every_type) {
    const cadre::executor_config c{
        .kind = "mine", .options = {{"ratio", 0.5}, {"whole", 2}, {"on", true}}, .name = "m"};
    EXPECT_EQ(c.number("ratio"), 0.5);
    EXPECT_EQ(c.number("whole"), 2.0);
    EXPECT_EQ(c.boolean("on"), true);
    EXPECT_EQ(c.boolean("off"), std::nullopt);
    EXPECT_EQ(c.integer("whole"), 2);
    EXPECT_NO_THROW(c.allow_only({"ratio", "whole", "on"}));
    try {
        c.allow_only({"ratio", "whole"});
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_STREQ(e.what(), "executors.m.on: unknown option of the kind 'mine' (options: ratio, whole)");
    }
    try {
        static_cast<void>(c.string("ratio"));
        FAIL();
    } catch (const cadre::config_error& e) {
        EXPECT_STREQ(e.what(), "executors.m.ratio: expected a string, got 0.5");
    }
    EXPECT_THROW(static_cast<void>(c.boolean("whole")), cadre::config_error);
    EXPECT_THROW(c.fail("port", "missing"), cadre::config_error);
}

TEST(option_value, shows_itself_in_one_line) {
    EXPECT_EQ(cadre::option_value("a\n\"b\"\\").text(), R"("a\n\"b\"\\")");
    EXPECT_EQ(cadre::option_value(3).text(), "3");
    EXPECT_EQ(cadre::option_value(3.0).text(), "3.0");
    EXPECT_EQ(cadre::option_value(2s).text(), "2000000000ns");
    EXPECT_EQ(cadre::option_value(std::vector<bool>{true, false}).text(), "[true, false]");
}

}  // namespace
