// Resources that run out, and starts of workers that fail, while an executor is at work.

#include "guard.hpp"
#include "no_free_descriptors.hpp"
#include "refused_system_call.hpp"
#include "support.hpp"

#include <cadre/as_outcome.hpp>
#include <cadre/channel.hpp>
#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/errors.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

task<int> exit_on_request(cadre::channel<int> begun, cadre::channel<int> requested) {
    co_await begun.send(1);
    (void)co_await requested.receive();
    ::_exit(3);
}

task<void> dies_without_a_free_descriptor(executor ex) {
    const cadre::channel<int> begun(ex, 1);
    const cadre::channel<int> requested(ex, 1);
    auto job = cadre::spawn(ex, exit_on_request, begun, requested);
    (void)co_await begun.receive();
    {
        const cadre::tests::no_free_descriptors none;
        co_await requested.send(1);
        const auto end = co_await cadre::as_outcome(std::move(job));
        EXPECT_FALSE(end.has_value());
        if (!end.has_value()) {
            EXPECT_THROW(std::rethrow_exception(end.error()), cadre::worker_crashed);
        }
    }
    EXPECT_EQ(co_await cadre::on(ex, plus_one, 1), 2);
}

TEST(process_resources, a_worker_may_die_while_no_descriptor_is_free) {
    const hang_guard guard(120s);
    const executor ex = process_executor{{.workers = 2}};
    for (int i = 0; i < 20; ++i)
        cadre::sync_wait(dies_without_a_free_descriptor(ex));
}

// In memory that workers share with this process, since before they are forked.
std::atomic<int>& kills_left =
    *new (::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
        std::atomic<int>(0);

void be_killed_sometimes() {
    if (kills_left.fetch_sub(1) > 0) ::raise(SIGKILL);
}

TEST(process_resources, kills_of_starting_workers_do_not_end_the_executor) {
    const hang_guard guard(120s);
    for (int round = 0; round < 2; ++round) {
        kills_left = 12;  // more than failures of an initializer would be tolerated
        const executor ex = process_executor{{.workers = 2, .initializer = be_killed_sometimes}};
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    }
}

void fail_to_initialize() { throw std::runtime_error("no model"); }

TEST(process_resources, an_initializer_that_fails_by_itself_ends_the_executor_with_its_error) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2, .initializer = fail_to_initialize}};
    EXPECT_EQ(what_of<std::runtime_error>([&] { (void)cadre::sync_wait(cadre::on(ex, plus_one, 1)); }), "no model");
}

// RLIMIT_FSIZE: the kernel would send SIGXFSZ.
TEST(process_resources, a_limit_of_file_sizes_is_a_config_error_that_names_it) {
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit small = before;
    small.rlim_cur = 1 << 20;
    ::setrlimit(RLIMIT_FSIZE, &small);
    const std::string text =
        what_of<cadre::config_error>([] { const executor ex = process_executor{{.workers = 1, .name = "small"}}; });
    ::setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_NE(text.find("executor 'small': cannot start worker processes"), std::string::npos) << text;
    EXPECT_NE(text.find("ulimit -f"), std::string::npos) << text;
}

TEST(process_resources, missing_descriptors_are_a_config_error_that_names_the_limit) {
    std::string text;
    {
        const cadre::tests::no_free_descriptors none;
        text = what_of<cadre::config_error>([] { const executor ex = process_executor{{.workers = 1}}; });
    }
    EXPECT_NE(text.find("raise `ulimit -n`, now 1024"), std::string::npos) << text;
}

// Before any of them is started.
TEST(process_resources, more_workers_than_descriptors_are_refused_at_once) {
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit small = before;
    small.rlim_cur = 1024;
    ::setrlimit(RLIMIT_NOFILE, &small);
    const std::string text =
        what_of<cadre::config_error>([] { const executor ex = process_executor{{.workers = 4096, .name = "many"}}; });
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(text,
              "executor 'many': cannot start worker processes: 4096 workers take 20480 descriptors: Too many open "
              "files; raise `ulimit -n`, now 1024");
}

// The identity of an executor is drawn before its workers start.
TEST(process_resources, a_refused_system_call_is_a_config_error_that_names_executor_and_call) {
#ifdef CADRE_TSAN
    GTEST_SKIP() << "ThreadSanitizer does not support threads in a fork of a program with threads";
#endif
    const pid_t child = ::fork();
    if (child == 0) {
        if (!cadre::tests::refuse_system_call(SYS_getrandom)) ::_exit(2);
        const std::string what = what_of<cadre::config_error>([] { process_executor{{.workers = 1, .name = "cpu"}}; });
        ::_exit(what.starts_with("executor 'cpu': ") && what.find("getrandom") != what.npos ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
