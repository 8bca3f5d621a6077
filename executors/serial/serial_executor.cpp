#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/executors/serial.hpp>

namespace cadre {

executor make_serial_executor(const serial_options&) { return executor(detail::run_loop::make("serial")); }

serial_executor::serial_executor(const serial_options& options) : local_executor(make_serial_executor(options)) {}

}  // namespace cadre
