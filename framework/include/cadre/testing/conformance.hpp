/// @file
/// The tests that every executor passes, for yours too.
///
///     #include <cadre/testing/conformance.hpp>
///
///     struct mine {
///         static cadre::executor make() { return cadre::executor{std::make_shared<my_backend>(2)}; }
///     };
///     using namespace cadre::conformance;
///     INSTANTIATE_TYPED_TEST_SUITE_P(mine, executor_conformance, mine);
///
/// Link `cadre::testing_main`, whose `main` starts the `runtime` first. Each test makes an executor of its own. Several
/// configurations go into one `::testing::Types<…>`.
///
/// What is promised, by header: calls, nested calls, maps, cancellation, lifecycle.
#pragma once

#include <cadre/testing/conformance_calls.hpp>
#include <cadre/testing/conformance_suite.hpp>

namespace cadre::conformance {

REGISTER_TYPED_TEST_SUITE_P(executor_conformance,
                            // calls
                            on_gives_the_result, on_runs_there_and_resumes_here, values_arrive_as_they_were_sent,
                            values_may_be_large, values_may_be_move_only, callables_of_every_sort,
                            coroutine_functions_run_there, errors_arrive_as_themselves, errors_nobody_knows_are_told,
                            an_error_leaves_the_executor_usable, spawn_starts_at_once, jobs_are_many,
                            a_job_knows_its_process, suspended_tasks_hold_no_worker);

}  // namespace cadre::conformance
