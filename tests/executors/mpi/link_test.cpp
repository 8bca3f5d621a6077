// The link under the launchers that are installed. What happens inside the job is in link_program.cpp.

#include "executors/mpi/mpirun.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using namespace mpirun;

class MpiLink : public job_test {
protected:
    [[nodiscard]] static std::string job(const std::string& scenario, const std::string& environment = {},
                                         int ranks = 3) {
        return job_test::job(CADRE_MPI_LINK_PROGRAM " " + scenario, environment, ranks);
    }

    static void expect_done(const std::string& scenario, const std::string& environment = {}, int ranks = 3) {
        const outcome result = run(job(scenario, environment, ranks));
        EXPECT_EQ(result.status, 0) << result.output;
        EXPECT_NE(result.output.find("done"), std::string::npos) << result.output;
    }
};

TEST_P(MpiLink, keeps_the_order_of_messages_of_all_sizes) { expect_done("order"); }
TEST_P(MpiLink, carries_large_bodies) { expect_done("large"); }
TEST_P(MpiLink, gives_no_agent_more_work_than_its_credit) { expect_done("credit"); }
TEST_P(MpiLink, uses_no_cpu_while_nothing_happens) { expect_done("idle"); }
TEST_P(MpiLink, leaves_signal_handlers_and_descriptors_as_they_were) { expect_done("process"); }
TEST_P(MpiLink, ends_in_order_while_agents_send) { expect_done("flood"); }
TEST_P(MpiLink, reports_an_agent_that_leaves) { expect_done("agent_leaves"); }
TEST_P(MpiLink, a_program_without_the_executor_ends_the_job) { expect_done("unused"); }
TEST_P(MpiLink, a_job_of_one_process_has_no_agents) { expect_done("nothing", {}, 1); }

TEST_P(MpiLink, ranks_on_the_host_of_a_program_that_serves_join_in_a_trial_only) {
    // All ranks are on this host.
    expect_done("nothing", "CADRE_TEST_PROGRAM_SERVES=1");
}

TEST_P(MpiLink, one_rank_of_each_host_serves) {
    struct {
        const char* variables;
        const char* agents;
    } const cases[] = {
        {"CADRE_TEST_AGENTS=1 CADRE_TEST_PROGRAM_SERVES=1", "agent 2\n"},
        {"CADRE_TEST_AGENTS=2", "agent 1\nagent 2\n"},
        {"CADRE_TEST_AGENTS=3 CADRE_MPI_EACH_RANK=1", "agent 1\nagent 2\nagent 3\n"},
    };
    for (const auto& c : cases) {
        const outcome result = run(job("nothing", std::string("CADRE_TEST_RANKS_PER_HOST=2 ") + c.variables, 4));
        if (result.output.find("no permission") != std::string::npos) {
            GTEST_SKIP() << "host names of processes cannot be changed here";
        }
        EXPECT_EQ(result.status, 0) << result.output;
        EXPECT_EQ(count(result.output, "agent "), count(c.agents, "agent ")) << result.output;
        for (const char* agent : {"agent 1\n", "agent 2\n", "agent 3\n"})
            EXPECT_EQ(count(result.output, agent), count(c.agents, agent)) << c.variables << "\n" << result.output;
    }
}

TEST_P(MpiLink, a_program_that_exits_ends_the_job_in_order) {
    const outcome result = run(job("exit"));
    EXPECT_EQ(result.status, 0) << result.output;
}

TEST_P(MpiLink, an_agent_that_dies_ends_the_job) {
    const outcome result = run(job("agent_dies"));
    EXPECT_NE(result.status, 0) << result.output;
    EXPECT_LT(result.took, 20s);
}

TEST_P(MpiLink, a_program_does_not_wait_longer_than_its_deadline) {
    const outcome result = run(job("agent_hangs", "CADRE_TEST_IMPATIENT=1"));
    EXPECT_NE(result.output.find("rank 1 on "), std::string::npos) << result.output;
    EXPECT_NE(result.output.find("did not end in time"), std::string::npos) << result.output;
    EXPECT_LT(result.took, 20s);
}

TEST_P(MpiLink, one_line_refuses_the_plugin_of_the_other_library) {
    const bool is_mpich = GetParam().name == std::string("mpich");
    if (!(is_mpich ? open_mpi : mpich).has_plugin) {
        GTEST_SKIP() << "there is only one MPI library";
    }
    const outcome result = run(job("nothing", is_mpich ? "CADRE_MPI_PLUGIN=openmpi" : "CADRE_MPI_PLUGIN=mpich"));
    EXPECT_EQ(result.status, 2) << result.output;
    EXPECT_EQ(count(result.output, "config_error: mpi: started by mpirun of "), 1) << result.output;
    EXPECT_NE(result.output.find(is_mpich ? "`mpirun.openmpi`" : "`mpirun.mpich`"), std::string::npos) << result.output;
}

TEST_P(MpiLink, one_line_refuses_a_plugin_that_is_missing) {
    const outcome result = run(job("nothing", "CADRE_MPI_PLUGIN=/nowhere/plugin.so"));
    EXPECT_EQ(result.status, 2) << result.output;
    EXPECT_EQ(count(result.output, "config_error: mpi: the MPI plugin cannot be loaded: /nowhere/plugin.so"), 1)
        << result.output;
}

INSTANTIATE_TEST_SUITE_P(under, MpiLink, testing::Values(open_mpi, mpich), [](const auto& p) { return p.param.name; });

std::string refusal(const std::string& variables) {
    const outcome result = run(variables + " " CADRE_MPI_LINK_PROGRAM " nothing");
    EXPECT_EQ(result.status, 2) << result.output;
    // On a loaded machine MPI takes long enough for a notice before the refusal.
    EXPECT_EQ(count(result.output, "\n"), 1 + count(result.output, "cadre: mpi: waiting for all ")) << result.output;
    return result.output;
}

TEST(MpiLauncher, a_program_without_launcher_is_told_the_command) {
    const std::string line = refusal("");
    if (!CADRE_TEST_HAS_OPENMPI && !CADRE_TEST_HAS_MPICH) {
        EXPECT_NE(line.find("this build has no MPI: install libopenmpi-dev or libmpich-dev and build again"),
                  std::string::npos)
            << line;
        return;
    }
    EXPECT_NE(line.find("cadre_mpi_link_program --executor=mpi`"), std::string::npos) << line;
}

TEST(MpiLauncher, srun_without_mpi_is_refused_by_the_first_process_alone) {
    if (!CADRE_TEST_HAS_OPENMPI && !CADRE_TEST_HAS_MPICH) {
        GTEST_SKIP() << "this build has no MPI";
    }
    const std::string line = refusal("SLURM_STEP_ID=0 SLURM_NTASKS=3 SLURM_PROCID=0");
    EXPECT_NE(line.find("`srun --mpi=pmix`"), std::string::npos) << line;
    const outcome other = run("SLURM_STEP_ID=0 SLURM_NTASKS=3 SLURM_PROCID=1 " CADRE_MPI_LINK_PROGRAM " nothing");
    EXPECT_EQ(other.status, 0) << "or the launcher ends the job before the first process has reported";
    EXPECT_EQ(other.output, "");
}

TEST(MpiLauncher, processes_that_do_not_see_each_other_are_refused) {
    if (!CADRE_TEST_HAS_OPENMPI && !CADRE_TEST_HAS_MPICH) {
        GTEST_SKIP() << "this build has no MPI";
    }
    // As a launcher does whose protocol the library does not know.
    const std::string line = refusal("SLURM_STEP_ID=0 SLURM_NTASKS=3 SLURM_PROCID=0 PMIX_RANK=0");
    EXPECT_NE(line.find("srun --mpi=pmix started 3 processes, but "), std::string::npos) << line;
    EXPECT_NE(line.find(" sees 1: "), std::string::npos) << line;
}

}  // namespace
