/// @file
/// `serial_executor`: a run loop without threads of its own.
///
///     cadre::serial_executor loop;
///     int n = cadre::sync_wait(cadre::on(loop, [&] { return counter++; }));
///
///     cadre::serial_executor test{{.clock = cadre::clock_kind::virtual_time, .seed = 7}};    // no sleep takes time
#pragma once

#include <cadre/executor.hpp>
#include <cadre/executors/serial_options.hpp>

namespace cadre {

/// Runs one task at a time, on the thread that drives it: every thread in `runtime::run` or `sync_wait` drives the
/// serial executors of the process that no other thread drives at that moment. Without a driver the work stays queued.
///
/// With a virtual clock, sleeps, `timeout`, the pauses of `retry` and `after` take no real time: when no task is ready
/// on any serial executor, the clock jumps to the next of them. While other executors work, or sockets are used, it
/// advances with real time. `cadre::now()` reads it. With a seed, ready tasks run in an order drawn from it, which the
/// same seed reproduces. With either, a program in which everything waits ends with `deadlock`, thrown by
/// `runtime::run` and `sync_wait`.
class serial_executor : public local_executor {
public:
    explicit serial_executor(const serial_options& options = {});
};

[[nodiscard]] executor make_serial_executor(const serial_options& options);

}  // namespace cadre
