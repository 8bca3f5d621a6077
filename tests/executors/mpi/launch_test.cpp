#include "mpi/mpi_launch.hpp"

#include <cstdlib>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace {

using cadre::detail::mpi::launch_of_this_process;
using cadre::detail::mpi::library_kind;
using cadre::detail::mpi::mpi_rank_of_launcher;
using cadre::detail::mpi::mpi_share_of_host;
using cadre::detail::mpi::mpi_size_of_launcher;

constexpr const char* variables[] = {"OMPI_COMM_WORLD_RANK",
                                     "OMPI_COMM_WORLD_SIZE",
                                     "OMPI_COMM_WORLD_LOCAL_RANK",
                                     "OMPI_COMM_WORLD_LOCAL_SIZE",
                                     "PMI_RANK",
                                     "PMI_SIZE",
                                     "PMI_FD",
                                     "MPI_LOCALNRANKS",
                                     "MPI_LOCALRANKID",
                                     "PMIX_RANK",
                                     "SLURM_STEP_ID",
                                     "SLURM_PROCID",
                                     "SLURM_LOCALID",
                                     "SLURM_NTASKS",
                                     "SLURM_NNODES",
                                     "SLURM_STEP_NUM_NODES",
                                     "SLURM_STEP_NUM_TASKS"};

// The environment of a launcher, for the time of a test.
class MpiLaunch : public testing::Test {
protected:
    MpiLaunch() {
        for (const char* name : variables) {
            const char* const value = std::getenv(name);
            before_.emplace(name, value != nullptr ? std::optional<std::string>(value) : std::nullopt);
            ::unsetenv(name);
        }
    }
    ~MpiLaunch() override {
        for (const auto& [name, value] : before_)
            value ? ::setenv(name, value->c_str(), 1) : ::unsetenv(name);
    }
    static void set(std::initializer_list<std::pair<const char*, const char*>> all) {
        for (const auto& [name, value] : all)
            ::setenv(name, value, 1);
    }

private:
    std::map<const char*, std::optional<std::string>> before_;
};

TEST_F(MpiLaunch, no_launcher) {
    EXPECT_FALSE(launch_of_this_process());
    EXPECT_EQ(mpi_rank_of_launcher(), -1);
    EXPECT_EQ(mpi_size_of_launcher(), 1);
    EXPECT_EQ(mpi_share_of_host(), 1);
}

TEST_F(MpiLaunch, mpirun_of_open_mpi) {
    set({{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
    const auto found = launch_of_this_process();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, library_kind::openmpi);
    EXPECT_EQ(mpi_rank_of_launcher(), 2);
    EXPECT_EQ(mpi_size_of_launcher(), 4);
    EXPECT_EQ(mpi_share_of_host(), 1);
}

TEST_F(MpiLaunch, a_job_on_one_host_shares_it) {
    set({{"PMI_RANK", "0"}, {"PMI_SIZE", "3"}, {"MPI_LOCALNRANKS", "3"}});
    const auto found = launch_of_this_process();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, library_kind::mpich);
    EXPECT_EQ(mpi_share_of_host(), 3);
}

TEST_F(MpiLaunch, mpirun_inside_a_step_of_slurm_counts_and_not_the_step) {
    set({{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "2"}});
    set({{"PMI_RANK", "5"}, {"PMI_SIZE", "8"}, {"MPI_LOCALNRANKS", "4"}});
    const auto found = launch_of_this_process();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, library_kind::mpich);
    EXPECT_EQ(found->rank, 5);
}

TEST_F(MpiLaunch, srun_with_pmix_or_pmi2_serves_both_libraries) {
    set({{"SLURM_STEP_ID", "3"}, {"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "2"}, {"PMIX_RANK", "1"}});
    auto found = launch_of_this_process();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, library_kind::either);
    EXPECT_EQ(found->rank, 1);
    ::unsetenv("PMIX_RANK");
    set({{"PMI_FD", "9"}});
    found = launch_of_this_process();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->launcher, "srun --mpi=pmi2");
}

TEST_F(MpiLaunch, srun_without_mpi) {
    set({{"SLURM_STEP_ID", "3"}, {"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "2"}});
    const auto found = launch_of_this_process();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, library_kind::none);
    set({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "1"}});
    EXPECT_FALSE(launch_of_this_process()) << "one task needs no MPI";
}

TEST_F(MpiLaunch, a_batch_script_of_slurm_is_no_task) {
    set({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "2"}});
    EXPECT_FALSE(launch_of_this_process());
}

TEST_F(MpiLaunch, what_is_no_rank_or_no_size_is_ignored) {
    set({{"PMI_RANK", "3"}, {"PMI_SIZE", "3"}});
    EXPECT_FALSE(launch_of_this_process());
    set({{"PMI_RANK", "-1"}});
    EXPECT_FALSE(launch_of_this_process());
    set({{"PMI_RANK", "1x"}});
    EXPECT_FALSE(launch_of_this_process());
    set({{"PMI_RANK", "99999999999999999999"}});
    EXPECT_FALSE(launch_of_this_process());
}

}  // namespace
