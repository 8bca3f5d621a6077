#include "asio_reactor.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <new>
#include <thread>

#include <boost/asio/post.hpp>

#include <unistd.h>

#include <cadre/detail/asio/asio_home.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

namespace {

// The time after which a descriptor that the system has refused to watch is tried again.
constexpr std::chrono::milliseconds retry_interval{10};

}  // namespace

template <class T>
class asio_reactor::wake_allocator {
public:
    using value_type = T;
    explicit wake_allocator(asio_reactor& reactor) noexcept : reactor_(&reactor) {}
    template <class U>
    explicit(false) wake_allocator(const wake_allocator<U>& other) noexcept : reactor_(other.reactor_) {}

    [[nodiscard]] T* allocate(std::size_t n) const {
        static_assert(alignof(T) <= alignof(std::max_align_t));
        if (n * sizeof(T) > wake_memory_size) throw std::bad_alloc();
        return reinterpret_cast<T*>(reactor_->wake_memory_);
    }
    static void deallocate(T*, std::size_t) noexcept {}
    template <class U>
    friend bool operator==(const wake_allocator& a, const wake_allocator<U>& b) noexcept {
        return a.reactor_ == b.reactor_;
    }

private:
    template <class>
    friend class wake_allocator;
    asio_reactor* reactor_;
};

class asio_reactor::wake_handler {
public:
    using allocator_type = wake_allocator<void>;
    explicit wake_handler(asio_reactor& reactor) noexcept : reactor_(&reactor) {}
    [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type(*reactor_); }
    void operator()() const noexcept {
        // Asio has returned the memory, so the next wake may use it. This precedes the sleeper's check of the reason of
        // its wake.
        reactor_->waking_.exchange(false, std::memory_order_acq_rel);
        reactor_->end_sleep();
    }

private:
    asio_reactor* reactor_;
};

// A loop, or a pool of one worker, has one thread in the context at a time: the hint lets Asio omit hand-overs.
asio_reactor::asio_reactor(executor_backend& home)
    : reactor(home.concurrency() > 1), context_(home.concurrency() > 1 ? static_cast<int>(home.concurrency()) : 1),
      guard_(context_.get_executor()), alarm_(context_), bell_(context_) {
    boost::asio::make_service<asio_home>(context_, home);
}

asio_reactor::~asio_reactor() {
    if (bell_.is_open()) bell_.release();  // its creator closes it
}

void asio_reactor::wake() noexcept {
    if (!waking_.exchange(true, std::memory_order_acq_rel)) boost::asio::post(context_, wake_handler(*this));
}

void asio_reactor::watch(int descriptor) noexcept {
    if (bell_.is_open()) {
        if (bell_.native_handle() == descriptor) return;
        bell_.release();
        listening_ = false;
    }
    wanted_bell_ = descriptor;
    assign_bell();
}

// The system may refuse one more watched descriptor. Then sleeps are short until it grants it.
void asio_reactor::assign_bell() noexcept {
    boost::system::error_code refused;
    if (wanted_bell_ >= 0 && !bell_.is_open()) bell_.assign(wanted_bell_, refused);
}

void asio_reactor::listen_to_bell() {
    bell_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
        if (error) return;  // released; another descriptor may be watched by now
        listening_ = false;
        end_sleep();
        std::uint64_t count = 0;
        [[maybe_unused]] const auto n = ::read(bell_.native_handle(), &count, sizeof count);
    });
    listening_ = true;
}

void asio_reactor::set_alarm(steady_time deadline) {
    alarm_.expires_at(deadline);
    alarm_.async_wait([this](boost::system::error_code error) {
        if (error) return;  // set to an earlier time
        alarm_at_.reset();
        end_sleep();
    });
    alarm_at_ = deadline;
}

bool asio_reactor::poll_one() noexcept {
    if (context_.stopped()) context_.restart();
    return context_.poll_one() != 0;
}

// An alarm that is set for an earlier time than needed is kept: one spurious wake costs less than setting the alarm
// again for every wait whose deadline is a little later.
bool asio_reactor::prepare_sleep(std::optional<steady_time> deadline) noexcept {
    own_event_ = false;
    assign_bell();
    if (wanted_bell_ >= 0 && !bell_.is_open()) {
        const steady_time soon = std::chrono::steady_clock::now() + retry_interval;
        deadline = deadline ? std::min(*deadline, soon) : soon;
    }
    try {
        if (!listening_ && bell_.is_open()) listen_to_bell();
        if (deadline && (!alarm_at_ || *deadline < *alarm_at_)) set_alarm(*deadline);
        return true;
    } catch (const std::exception&) {  // no memory for a handler: no event would end the sleep
        std::this_thread::sleep_for(retry_interval);
        own_event_ = true;
        return false;
    }
}

// A handler of the program that throws terminates the program: no task could get the exception.
void asio_reactor::run_one(std::optional<steady_time> deadline) noexcept {
    if (!prepare_sleep(deadline)) return;
    if (context_.run_one() == 0) context_.restart();  // the context was stopped
}

// One call of Asio's `run` for many handlers: Asio recycles their memory within a call.
void asio_reactor::run(std::optional<steady_time> deadline) noexcept {
    if (!prepare_sleep(deadline)) return;
    running_ = true;
    context_.run();
    running_ = false;
    context_.restart();
}

void asio_reactor::end_sleep() noexcept {
    own_event_ = true;
    if (running_) context_.stop();
}

}  // namespace cadre::detail
