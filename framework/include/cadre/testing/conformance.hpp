/// @file
/// The test suite that every executor passes; instantiate it with your own.
///
///     #include <cadre/testing/conformance.hpp>
///
///     struct mine {
///         static cadre::executor make() { return cadre::executor{std::make_shared<my_backend>(2)}; }
///     };
///     using namespace cadre::conformance;
///     INSTANTIATE_TYPED_TEST_SUITE_P(mine, executor_conformance, mine);
///
/// Link `cadre::testing_main`, whose `main` starts the `runtime` first. Each test creates its own executor. Several
/// configurations go into one `::testing::Types<…>`.
///
/// The headers, by subject: calls, nested calls, maps, reductions, jobs, cancellation, awaitables of other libraries,
/// lifecycle.
#pragma once

#include <cadre/testing/conformance_as_completed.hpp>
#include <cadre/testing/conformance_calls.hpp>
#include <cadre/testing/conformance_cancellation.hpp>
#include <cadre/testing/conformance_foreign.hpp>
#include <cadre/testing/conformance_jobs.hpp>
#include <cadre/testing/conformance_lifecycle.hpp>
#include <cadre/testing/conformance_map.hpp>
#include <cadre/testing/conformance_map_tasks.hpp>
#include <cadre/testing/conformance_nested.hpp>
#include <cadre/testing/conformance_reduce.hpp>
#include <cadre/testing/conformance_suite.hpp>

namespace cadre::conformance {

REGISTER_TYPED_TEST_SUITE_P(
    executor_conformance,
    // calls
    on_gives_the_result, on_runs_there_and_resumes_here, values_arrive_as_they_were_sent, values_may_be_large,
    values_may_be_move_only, on_takes_every_kind_of_callable, coroutine_functions_run_there,
    errors_arrive_as_themselves, unknown_errors_arrive_as_remote_error, an_error_leaves_the_executor_usable,
    spawn_starts_immediately, many_jobs_run_at_once, a_job_knows_its_process, suspended_tasks_hold_no_worker,
    // nested calls
    tasks_nest_to_any_depth, errors_rise_through_every_level, more_waiting_calls_than_workers, tasks_spawn_from_inside,
    tasks_map_from_inside, tasks_open_scopes_inside, calls_from_many_tasks_at_once,
    // maps
    map_keeps_the_order, map_takes_every_kind_of_callable, map_spreads_tuples, map_takes_any_range,
    map_goes_through_ranges_side_by_side, map_takes_range_v3_views, map_throws_its_first_failure,
    a_failing_map_stops_the_rest, map_outcomes_keeps_every_result, map_reports_its_progress,
    tasks_that_wait_in_a_map_wait_together, each_task_of_a_map_ends_once, map_limits_the_time_of_each_item,
    map_rethrows_errors_of_its_range, a_stopped_map_is_cancelled,
    // reductions
    reduce_combines_in_input_order, reduce_takes_every_kind_of_callable, reduce_takes_move_only_values,
    reduce_combines_where_the_items_run, reduce_throws_its_first_failure, a_stopped_reduce_is_cancelled,
    a_limit_of_reduce_is_that_of_an_item, tasks_reduce_from_inside, reduce_reports_its_progress,
    // sets of jobs, and workers' own values
    as_completed_yields_in_order_of_completion, as_completed_yields_failed_jobs, as_completed_passes_stop_to_its_jobs,
    as_completed_yields_completed_jobs_after_a_stop, a_dropped_as_completed_stops_its_jobs,
    as_completed_under_a_limit_yields_what_ended_in_time, as_completed_under_a_limit_that_does_not_pass,
    as_completed_with_a_limit_of_zero_yields_what_has_ended, a_yielded_job_outlives_the_stream,
    yielded_jobs_may_be_awaited_later_and_once, as_completed_refuses_an_empty_job, a_worker_has_values_of_its_own,
    // cancellation
    a_stopped_job_is_cancelled, kill_asks_a_job_to_stop, a_computing_function_can_poll_stop, a_dropped_job_is_stopped,
    a_job_that_has_ended_ignores_stop, stop_reaches_nested_calls, stop_tokens_reach_calls,
    work_that_is_stopped_before_it_begins_never_runs, a_task_sees_its_own_token, shield_lets_work_end,
    timeout_ends_a_call, timeouts_nest, a_limit_around_next_loses_no_element, when_any_stops_the_losers,
    when_all_stops_the_rest, scope_joins_and_stops_on_error, request_stop_of_the_executor,
    // awaitables of other libraries
    awaitables_of_other_libraries_resume_at_home, stops_and_scopes_work_after_an_awaitable_of_another_library,
    // lifecycle
    handles_name_one_executor, calls_carry_their_settings, stats_count_calls, shutdown_lets_work_end,
    shutdown_refuses_new_work, shutdown_stops_work_at_the_deadline, shutdown_counts_its_limit_from_the_await,
    its_own_shutdown_is_refused_in_a_task, work_keeps_its_executor_alive, executors_can_be_created_repeatedly);

}  // namespace cadre::conformance
