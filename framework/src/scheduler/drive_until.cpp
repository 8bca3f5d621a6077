// The functions by which the rest of the library uses the drivers of serial loops.

#include "loop_driver_set.hpp"

#include <cadre/detail/scheduler/event_source.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>

namespace cadre::detail {

void add_event_source(event_source& source) { loop_driver_set::instance().add(source); }
void remove_event_source(event_source& source) { loop_driver_set::instance().remove(source); }
int loop_wake_descriptor() { return loop_driver_set::instance().poller_descriptor(); }
void set_loop_wake_descriptor(int descriptor) { loop_driver_set::instance().set_poller_descriptor(descriptor); }
std::string drive_until(const std::function<bool()>& done, run_loop* own) {
    return loop_driver_set::instance().drive(done, own);
}
void wake_loop_drivers() noexcept { loop_driver_set::instance().wake(); }

}  // namespace cadre::detail
