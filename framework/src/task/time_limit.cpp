#include <cadre/detail/task/time_limit.hpp>

#include <array>
#include <thread>
#include <utility>

#include <cadre/errors.hpp>

namespace cadre::detail {

namespace {

// The limit for which this thread, which runs the timers, requests stop now.
constinit thread_local const deadline_stop* firing_here = nullptr;

struct noted_call {
    std::exception_ptr error{};
    std::string task{};
};
thread_local noted_call noted_here;

struct unit {
    std::chrono::nanoseconds length;
    const char* name;
};
constexpr std::array units{unit{std::chrono::minutes(1), " min"}, unit{std::chrono::seconds(1), " s"},
                           unit{std::chrono::milliseconds(1), " ms"}, unit{std::chrono::microseconds(1), " us"}};

// The text uses the largest unit of which the limit is a whole multiple.
std::string to_text(std::chrono::nanoseconds duration) {
    for (const unit& u : units)
        if (duration >= u.length && duration % u.length == duration.zero())
            return std::to_string(duration / u.length) + u.name;
    return std::to_string(duration.count()) + " ns";
}

}  // namespace

std::string timed_out_text(std::chrono::nanoseconds limit, std::string_view task) {
    std::string text = "timed out after " + to_text(limit);
    if (!task.empty()) text.append(": ").append(task);
    return text;
}

bool ended_by_stop(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const cancelled&) {
        return true;
    } catch (const task_killed&) {
        return true;
    } catch (...) {
        return false;
    }
}

void note_call_of_error(const std::exception_ptr& error, std::string task) noexcept {
    noted_here.error = error;
    noted_here.task = std::move(task);
}

std::string take_call_of_error(const std::exception_ptr& error) noexcept {
    const noted_call noted = std::exchange(noted_here, {});
    return noted.error == error ? noted.task : std::string();
}

void deadline_stop::arm(std::chrono::nanoseconds limit, stop_state* parent) {
    timers_ = &timers_here();
    stop_.adopt(parent);
    timer_.self = this;
    timer_.when = deadline_after(timers_->now(), limit);
    timer_.fire = [](timer_node* n) noexcept {
        auto* self = static_cast<node*>(n)->self;
        bool disarmed = false;
        self->disarmed_inside_ = &disarmed;
        const deadline_stop* const outer = std::exchange(firing_here, self);
        self->stop_.request_stop(stop_reason::deadline);
        firing_here = outer;
        if (!disarmed) self->fired_.store(true, std::memory_order_release);  // the last access
    };
    timers_->add(timer_);
}

bool deadline_stop::disarm() noexcept {
    if (timers_->cancel(timer_)) return false;
    if (firing_here == this) {
        *disarmed_inside_ = true;
        return true;
    }
    // The timer is firing on another thread: wait for its end.
    while (!fired_.load(std::memory_order_acquire))
        std::this_thread::yield();
    return true;
}

}  // namespace cadre::detail
