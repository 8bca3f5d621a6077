/// @file
/// `serial_executor`: a run loop without threads of its own.
///
///     cadre::serial_executor loop;
///     int n = cadre::sync_wait(cadre::on(loop, [&] { return counter++; }));
#pragma once

#include <cadre/executor.hpp>
#include <cadre/executors/serial_options.hpp>

namespace cadre {

/// Runs one task at a time, on the thread that drives it: every thread in `runtime::run` or `sync_wait` drives the serial
/// executors of the process that no other thread drives at that moment. Without a driver the work stays queued.
class serial_executor : public local_executor {
public:
    explicit serial_executor(const serial_options& options = {});
};

[[nodiscard]] executor make_serial_executor(const serial_options& options);

}  // namespace cadre
