/// @file
/// A reactor that is an `io_context`.
#pragma once

#include <cstddef>
#include <optional>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cadre/detail/scheduler/reactor.hpp>

namespace cadre::detail {

/// Three handlers of its own end a sleep: of a wake, of the watched descriptor, of the deadline. They set `own_event_`.
class asio_reactor final : public reactor {
public:
    explicit asio_reactor(executor_backend& home);
    ~asio_reactor() override;

    [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }

    void wake() noexcept override;
    void watch(int descriptor) noexcept override;

private:
    /// The handler of a wake: at most one is queued, so its memory is part of the reactor, and a wake does not
    /// allocate.
    class wake_handler;
    template <class T>
    class wake_allocator;
    static constexpr std::size_t wake_memory_size = 256;

    bool poll_one() noexcept override;
    void run_one(std::optional<steady_time> deadline) noexcept override;
    [[nodiscard]] bool sleep_ended() const noexcept override { return own_event_; }
    void run(std::optional<steady_time> deadline) noexcept override;
    void leave() noexcept override { context_.stop(); }
    /// @return false if there is no memory for it: the call has then slept for a short time
    [[nodiscard]] bool prepare_sleep(std::optional<steady_time> deadline) noexcept;
    void end_sleep() noexcept;
    void assign_bell() noexcept;
    void listen_to_bell();
    void set_alarm(steady_time deadline);

    boost::asio::io_context context_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
    boost::asio::steady_timer alarm_;
    boost::asio::posix::stream_descriptor bell_;
    int wanted_bell_ = -1;
    bool own_event_ = false;
    bool running_ = false;  // in `run`
    bool listening_ = false;  // to the watched descriptor
    std::optional<steady_time> alarm_at_;
    std::atomic<bool> waking_{false};
    alignas(std::max_align_t) unsigned char wake_memory_[wake_memory_size];
};

}  // namespace cadre::detail
