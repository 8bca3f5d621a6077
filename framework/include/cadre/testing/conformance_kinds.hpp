/// @file
/// Conformance: what a program observes is the same on every kind of executor. A suite of its own, instantiated
/// like that of `conformance.hpp`:
///
///     INSTANTIATE_TYPED_TEST_SUITE_P(mine, kinds_conformance, mine);
///
/// docs/reference/kinds.md lists the behaviours and names their tests.
#pragma once

#include <cadre/testing/conformance_kinds_calls.hpp>
#include <cadre/testing/conformance_kinds_maps.hpp>
#include <cadre/testing/conformance_kinds_values.hpp>

namespace cadre::conformance {

REGISTER_TYPED_TEST_SUITE_P(
    kinds_conformance, children_of_the_main_task_share_variables, what_was_sent_is_at_home_on_its_executor,
    map_throws_the_failure_of_the_lowest_index, map_of_tasks_throws_the_failure_of_the_lowest_index,
    reduce_throws_the_failure_of_the_lowest_index, items_below_a_failed_one_run_to_their_end,
    a_range_that_throws_fails_like_its_next_item, a_stream_has_the_results_before_an_error_of_its_range,
    an_item_that_cannot_be_sent_fails_alone, a_failure_ends_a_map_of_any_length, items_begin_in_input_order,
    items_of_views_and_tasks_begin_in_input_order, calls_begin_in_their_order,
    children_of_one_worker_begin_in_a_known_order, a_limit_of_an_item_counts_from_its_begin,
    a_limit_of_a_call_counts_from_its_begin, a_timeout_ends_a_queued_call_at_once,
    a_waiting_call_of_higher_priority_begins_first,
    a_local_executor_begins_calls_in_their_order_whatever_their_priority, retries_never_repeat_what_threw,
    only_worker_processes_count_failed_calls, map_returns_move_only_results, a_second_await_of_a_job_is_an_error,
    a_cancelled_lock_is_not_held, progress_is_reported_at_home,
    map_outcomes_of_a_stopped_executor_has_an_error_for_each_item, integers_that_do_not_fit_are_refused,
    parameters_that_are_views_see_a_copy, views_may_be_items_and_bound_arguments, descriptors_travel_with_calls,
    descriptors_are_closed_when_their_call_has_ended, descriptors_travel_with_items_and_nested_calls);

}  // namespace cadre::conformance
