/// @file
/// All public headers except Asio interop (`<cadre/asio.hpp>`) and the test kit (`<cadre/testing/…>`).
///
///     #include <cadre/cadre.hpp>
#pragma once

#include <cadre/detail/base/build_settings.hpp>  // first: its refusals come before other errors

#include <numeric>  // the results of maps are added up by std::accumulate, in README, too

#include <cadre/as_completed.hpp>
#include <cadre/as_outcome.hpp>
#include <cadre/async_barrier.hpp>
#include <cadre/async_condition_variable.hpp>
#include <cadre/async_event.hpp>
#include <cadre/async_latch.hpp>
#include <cadre/async_mutex.hpp>
#include <cadre/async_semaphore.hpp>
#include <cadre/async_shared_mutex.hpp>
#include <cadre/bind_portable.hpp>
#include <cadre/call.hpp>
#include <cadre/channel.hpp>
#include <cadre/config.hpp>
#include <cadre/dump_tasks.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor.hpp>
#include <cadre/executor_backend.hpp>
#include <cadre/executor_registry.hpp>
#include <cadre/executor_stats.hpp>
#include <cadre/executors/cluster.hpp>
#include <cadre/executors/process.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/frame_allocator.hpp>
#include <cadre/generator.hpp>
#include <cadre/job.hpp>
#include <cadre/log_handler.hpp>
#include <cadre/make.hpp>
#include <cadre/make_executor.hpp>
#include <cadre/map.hpp>
#include <cadre/map_stream.hpp>
#include <cadre/message_bytes.hpp>
#include <cadre/nested_errors.hpp>
#include <cadre/on.hpp>
#include <cadre/outcome.hpp>
#include <cadre/portable.hpp>
#include <cadre/progress_bar.hpp>
#include <cadre/reduce.hpp>
#include <cadre/register_exception.hpp>
#include <cadre/resume_on.hpp>
#include <cadre/retry.hpp>
#include <cadre/run_blocking.hpp>
#include <cadre/runtime.hpp>
#include <cadre/scope.hpp>
#include <cadre/select.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/shared_array_view.hpp>
#include <cadre/shared_constant.hpp>
#include <cadre/shared_task.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/stream.hpp>
#include <cadre/stream_of.hpp>
#include <cadre/stream_views.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/this_task.hpp>
#include <cadre/this_worker.hpp>
#include <cadre/timeout.hpp>
#include <cadre/to.hpp>
#include <cadre/typecode.hpp>
#include <cadre/unique_fd.hpp>
#include <cadre/wait_for.hpp>
#include <cadre/when_all.hpp>
#include <cadre/when_any.hpp>
