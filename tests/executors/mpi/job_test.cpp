// Programs that use the executor, under the launchers that are installed: two agents with one worker each.

#include "executors/mpi/mpirun.hpp"
#include "executors/temporary_folder.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using namespace mpirun;

class MpiJob : public job_test {
protected:
    static outcome run_job(const std::string& scenario, const std::string& options = "--executor=mpi:1",
                           int ranks = 3) {
        return run(job(CADRE_MPI_JOB_PROGRAM " " + scenario + " " + options, {}, ranks));
    }
};

TEST_P(MpiJob, both_agents_work) {
    const outcome result = run_job("workers");
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_NE(result.output.find("workers 2 of "), std::string::npos) << result.output;
}

TEST_P(MpiJob, calls_large_values_and_crashes) {
    const outcome result = run_job("calls");
    EXPECT_EQ(result.status, 0) << result.output;
    for (const char* line : {"sum 333328333350000\n", "large 125829120\n", "crashed ", "SIGABRT", "afterwards 81\n"})
        EXPECT_NE(result.output.find(line), std::string::npos) << line << "\n" << result.output;
}

TEST_P(MpiJob, shared_objects_join_the_ranks_and_survive_a_worker) {
    const outcome result = run_job("state");
    EXPECT_EQ(result.status, 0) << result.output;
    for (const char* line : {"wrong 0\n", "SIGKILL", "found '', notified ''\n"})
        EXPECT_NE(result.output.find(line), std::string::npos) << line << "\n" << result.output;
}

TEST_P(MpiJob, a_configuration_file_makes_agents_too) {
    const temporary_folder folder;
    const auto file = folder.write("app.toml", R"(
executor = "cluster"
[executors.cluster]
kind = "mpi"
workers = 1
nodes = 2
)");
    const outcome result = run_job("workers", "--config=" + file.string());
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_NE(result.output.find("workers 2 of 2\n"), std::string::npos) << result.output;
}

// A file may be wrong on one host only, so each process reports it.
TEST_P(MpiJob, a_bad_option_is_refused) {
    const outcome result = run_job("workers", "--executor=mpi:0");
    EXPECT_EQ(result.status, 2) << result.output;
    EXPECT_GE(count(result.output, "--executor: mpi:0: expected a positive whole number"), 1) << result.output;
}

TEST_P(MpiJob, a_program_that_never_asks_for_its_executor_ends_in_order) {
    const outcome result = run_job("help");
    EXPECT_EQ(result.status, 0) << result.output;
    // MPI may have warnings of its own about the network.
    EXPECT_EQ(count(result.output, "usage\n"), 1) << result.output;
    EXPECT_EQ(count(result.output, "cadre"), 0) << result.output;
}

TEST_P(MpiJob, an_exception_of_the_main_task_ends_the_job) {
    const outcome result = run_job("throws");
    EXPECT_EQ(result.status, 7) << result.output;
    EXPECT_EQ(count(result.output, "caught thrown by the main task\n"), 1) << result.output;
}

TEST_P(MpiJob, exit_ends_the_job_with_its_status) {
    const outcome result = run_job("exits");
    EXPECT_EQ(result.status, 3) << result.output;
}

// As Ctrl-C and `kill` do, to the launcher.
TEST_P(MpiJob, a_signal_to_the_launcher_ends_the_job) {
    for (const char* signal : {"INT", "TERM"}) {
        const outcome result = run("timeout -s " + std::string(signal) + " -k 20 2 " +
                                   job(CADRE_MPI_JOB_PROGRAM " waits --executor=mpi:1"));
        EXPECT_EQ(result.status, 124) << result.output;
        EXPECT_EQ(count(result.output, "waiting\n"), 1) << result.output;
        EXPECT_LT(result.took, 15s);
    }
}

INSTANTIATE_TEST_SUITE_P(under, MpiJob, testing::Values(open_mpi, mpich), [](const auto& p) { return p.param.name; });

}  // namespace
