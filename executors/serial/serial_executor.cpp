#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/executors/serial.hpp>

#include <string>
#include <utility>

namespace cadre {

executor make_serial_executor(const serial_options& options) {
    auto loop =
        detail::run_loop::make(options.name.empty() ? "serial" : std::string(options.name),
                               {.virtual_time = options.clock == clock_kind::virtual_time, .seed = options.seed});
    loop->report_started();
    return executor(std::move(loop));
}

serial_executor::serial_executor(const serial_options& options) : local_executor(make_serial_executor(options)) {}

}  // namespace cadre
