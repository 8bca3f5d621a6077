/// @file
/// The common base of both roles: two connections, a thread for each, and reconnection.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/doorbell.hpp"
#include "connection.hpp"
#include "names.hpp"
#include "node/node_link.hpp"
#include "outbox.hpp"
#include "reading_turn.hpp"

namespace cadre::detail::amqp {

/// RabbitMQ closes a channel that does not acknowledge a message for 30 minutes (`consumer_timeout`), which it checks
/// once a minute.
struct link_timing {
    /// Age at which a token is replaced.
    std::chrono::nanoseconds token_lifetime = std::chrono::minutes(10);
    /// Age at which a delivery is acknowledged although its work continues.
    std::chrono::nanoseconds longest_hold = std::chrono::minutes(15);
};

/// The control thread connects, consumes and reports events. The writer thread publishes, because a broker that is
/// short of memory blocks publishers. Each thread uses a connection of its own.
class link_base : public node::node_link {
public:
    using clock = std::chrono::steady_clock;

    link_base(const rabbitmq_library& library, broker_address address, const std::string& group, const char* role,
              link_timing timing);
    ~link_base() override;

    void start(node::node_link_events& events, byte_buffer hello) final;
    void stop(clock::time_point deadline) noexcept final;
    [[nodiscard]] bool redelivers() const noexcept final { return true; }

protected:
    /// Declares the queues of the role and starts its consumers, on both connections. @throws engine_error
    virtual void set_up() = 0;
    /// The connections are lost.
    virtual void forget_session() noexcept = 0;
    virtual void control_received(inbound message) = 0;
    /// Called at least every half heartbeat, and after `wake_control`.
    virtual void control_turn(clock::time_point now) = 0;
    virtual void writer_received(inbound message) = 0;
    virtual void writer_turn(clock::time_point now) = 0;
    /// The routing key of an entry of the outbox.
    [[nodiscard]] virtual std::string key_of(const outgoing& entry) const = 0;
    virtual void write_acknowledgement(const outgoing& entry) = 0;
    /// Called in this order: before the writer sends the rest of the outbox; in the writer thread after that; in the
    /// control thread after the end of the writer.
    virtual void begin_leaving() = 0;
    virtual void writer_leaves() = 0;
    virtual void control_leaves() = 0;

    [[nodiscard]] connection& control() noexcept { return *control_; }
    [[nodiscard]] connection& writer() noexcept { return *writer_; }
    [[nodiscard]] const group_names& names() const noexcept { return names_; }
    [[nodiscard]] const link_timing& timing() const noexcept { return timing_; }
    [[nodiscard]] outbox& out() noexcept { return outbox_; }
    [[nodiscard]] std::chrono::milliseconds half_heartbeat() const noexcept {
        return std::chrono::duration_cast<std::chrono::milliseconds>(address_.heartbeat) / 2;
    }
    [[nodiscard]] const byte_buffer& hello() const noexcept { return hello_; }
    [[nodiscard]] byte_buffer copy_of_hello() const;
    void wake_control() noexcept { control_bell_.ring(); }
    /// Calls `report(events)`, unless the link was stopped; one call at a time.
    template <class Report>
    void report(Report report) {
        const std::scoped_lock lock(events_mutex_);
        if (!silent_) report(*events_);
    }

private:
    enum class phase : std::uint8_t { created, running, stopping, stopped };

    void open_first_session();
    void open_session();
    void close_session() noexcept;
    void run_control() noexcept;
    void serve_control();
    void leave() noexcept;
    [[nodiscard]] bool reconnect() noexcept;
    void start_writer();
    void run_writer() noexcept;
    void serve_writer();
    void receive_in_writer(reading_turn& turn, clock::time_point now);
    void poll_in_writer(reading_turn& turn);
    void send(std::vector<outgoing>& batch, reading_turn& turn);
    void send_message(const outgoing& entry, reading_turn& turn);
    void interrupt_session() noexcept;
    [[nodiscard]] bool stopping() const noexcept { return phase_.load() >= phase::stopping; }

    const rabbitmq_library& library_;
    const broker_address address_;
    const group_names names_;
    const std::string title_;
    const link_timing timing_;
    node::node_link_events* events_ = nullptr;
    byte_buffer hello_;
    std::mutex events_mutex_;
    bool silent_ = false;

    std::atomic<phase> phase_ = phase::created;
    doorbell control_bell_;
    outbox outbox_;
    std::thread control_thread_;
    std::thread writer_thread_;
    std::atomic<bool> writer_failed_ = false;
    std::atomic<bool> writer_finishing_ = false;
    std::string writer_failure_;  // written before writer_failed_

    std::mutex session_mutex_;  // guards the pointers: `stop` interrupts the connections
    std::unique_ptr<connection> control_;
    std::unique_ptr<connection> writer_;
    std::mutex ended_mutex_;
    std::condition_variable ended_changed_;
    bool control_ended_ = false;
};

/// @throws engine_error: the user of the URL may not declare the queues of the link
[[noreturn]] void throw_without_permission();

/// A random number, unique across processes; never 0.
[[nodiscard]] std::uint64_t draw_identity();

}  // namespace cadre::detail::amqp
