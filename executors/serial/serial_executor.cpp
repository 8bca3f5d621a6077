#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/executors/serial.hpp>

#include <utility>

namespace cadre {

executor make_serial_executor(const serial_options& options) {
    auto loop = detail::run_loop::make(
        "serial", {.virtual_time = options.clock == clock_kind::virtual_time, .seed = options.seed});
    loop->report_started();
    return executor(std::move(loop));
}

serial_executor::serial_executor(const serial_options& options) : local_executor(make_serial_executor(options)) {}

}  // namespace cadre
