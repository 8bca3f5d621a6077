#include "link_base.hpp"

#include <cadre/errors.hpp>

#include <algorithm>
#include <exception>
#include <span>
#include <utility>

#include <unistd.h>

#include "base/random_bytes.hpp"
#include "base/signals_blocked.hpp"

namespace cadre::detail::amqp {

namespace {

using namespace std::chrono_literals;

constexpr auto min_pause = 100ms;
constexpr auto max_pause = 2s;
constexpr int not_found = 404;
constexpr int max_attempts = 5;
// Maximum number of messages that a thread sends or receives in one step.
constexpr int burst = 64;

std::string title_of(const char* role, const group_names& names) {
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    return names.exchange() + " " + role + " " + std::to_string(::getpid()) + " on " + host.data();
}

/// A thread that receives no signals.
template <class Function>
std::thread thread_without_signals(Function function) {
    const signals_blocked blocked;
    return std::thread(std::move(function));
}

}  // namespace

void throw_without_permission() {
    throw engine_error("the broker's user has no permission for queues that begin with 'cadre.': run rabbitmqctl "
                       "set_permissions -p VHOST USER '^cadre\\.' '^cadre\\.' '^cadre\\.'");
}

std::uint64_t draw_identity() {
    std::uint64_t drawn = 0;
    while (drawn == 0)
        fill_random(&drawn, sizeof drawn);
    return drawn;
}

link_base::link_base(const rabbitmq_library& library, broker_address address, const std::string& group,
                     const char* role, link_timing timing)
    : library_(library), address_(std::move(address)), names_(group), title_(title_of(role, names_)), timing_(timing) {}

link_base::~link_base() = default;

byte_buffer link_base::copy_of_hello() const {
    byte_buffer copy;
    copy.append(hello_.span());
    return copy;
}

// --- begin and end ---------------------------------------------------------------------------------------------------

void link_base::start(node::node_link_events& events, byte_buffer hello) {
    events_ = &events;
    hello_ = std::move(hello);
    open_first_session();
    phase_ = phase::running;
    control_thread_ = thread_without_signals([this] { run_control(); });
}

void link_base::stop(clock::time_point deadline) noexcept {
    phase expected = phase::running;
    if (!phase_.compare_exchange_strong(expected, phase::stopping)) return;
    {
        const std::scoped_lock lock(events_mutex_);
        silent_ = true;
    }
    control_bell_.ring();
    {
        std::unique_lock lock(ended_mutex_);
        // At the deadline, operations that wait for the broker fail.
        while (!ended_changed_.wait_until(lock, deadline, [this] { return control_ended_; })) {
            interrupt_session();
            deadline = clock::now() + 100ms;
        }
    }
    control_thread_.join();
    phase_ = phase::stopped;
}

// The broker deletes the exchange of a group with its last queue, which may happen after this process has declared the
// exchange and before it has bound a queue. Then it declares the exchange again.
void link_base::open_first_session() {
    for (int attempts_left = max_attempts;; --attempts_left) {
        try {
            open_session();
            return;
        } catch (const engine_error& e) {
            close_session();
            if (e.reply_code() == not_found && attempts_left != 0) continue;
            throw config_error(std::string("cluster: ") + e.what());
        } catch (...) {
            close_session();
            throw;
        }
    }
}

void link_base::open_session() {
    auto control = std::make_unique<connection>(library_, address_, title_ + ", in");
    auto writer = std::make_unique<connection>(library_, address_, title_ + ", out");
    {
        const std::scoped_lock lock(session_mutex_);
        control_ = std::move(control);
        writer_ = std::move(writer);
    }
    control_->open_channel(1);
    control_->open_channel(2);
    writer_->open_channel(1);
    outbox_.open();
    set_up();
    // A broker that is short of memory reads nothing from a publishing connection, for an unlimited time.
    writer_->allow_late_answers();
    control_->allow_late_answers();
    start_writer();
}

void link_base::close_session() noexcept {
    outbox_.close();
    if (writer_thread_.joinable()) {
        writer_->interrupt();
        outbox_.wake();
        writer_thread_.join();
    }
    forget_session();
    const std::scoped_lock lock(session_mutex_);
    control_.reset();
    writer_.reset();
}

void link_base::interrupt_session() noexcept {
    const std::scoped_lock lock(session_mutex_);
    if (control_) control_->interrupt();
    if (writer_) writer_->interrupt();
}

void link_base::run_control() noexcept {
    for (;;) {
        std::string why;
        try {
            serve_control();
            leave();
            break;
        } catch (const std::exception& e) {
            why = e.what();
        }
        close_session();
        report([&](node::node_link_events& events) { events.engine_gone(std::move(why)); });
        if (!reconnect()) break;
        report([](node::node_link_events& events) { events.engine_back(); });
    }
    close_session();
    const std::scoped_lock lock(ended_mutex_);
    control_ended_ = true;
    ended_changed_.notify_all();
}

bool link_base::reconnect() noexcept {
    for (std::chrono::milliseconds pause = min_pause;;
         pause = std::min<std::chrono::milliseconds>(pause * 2, max_pause)) {
        // Random, so that the agents of a broker do not reconnect at the same time.
        const auto spread = std::chrono::milliseconds(draw_identity() % static_cast<std::uint64_t>(pause.count()));
        const auto until = clock::now() + pause / 2 + spread;
        while (!stopping() && clock::now() < until)
            doorbell::wait(control_bell_.descriptor(), until);
        if (stopping()) return false;
        try {
            open_session();
            return true;
        } catch (const std::exception&) {
            close_session();
        }
    }
}

void link_base::serve_control() {
    reading_turn turn(*control_, half_heartbeat());
    while (!stopping()) {
        if (writer_failed_.load()) throw engine_error(writer_failure_);
        const auto now = clock::now();
        control_turn(now);
        inbound message;
        for (int count = 0; count < burst && turn.receive(now, message); ++count)
            control_received(std::move(message));
        turn.wait(control_bell_.descriptor());
    }
}

void link_base::leave() noexcept {
    try {
        begin_leaving();
        writer_finishing_ = true;
        outbox_.wake();
        writer_thread_.join();
        control_leaves();
        control_->close();
        if (!writer_failed_.load()) writer_->close();
    } catch (const std::exception&) {
        // The connection is lost: there is nothing to close.
    }
}

// --- the writer ------------------------------------------------------------------------------------------------------

void link_base::start_writer() {
    writer_failed_ = false;
    writer_finishing_ = false;
    writer_thread_ = thread_without_signals([this] { run_writer(); });
}

void link_base::run_writer() noexcept {
    try {
        serve_writer();
    } catch (const std::exception& e) {
        writer_failure_ = e.what();
        writer_failed_ = true;
        control_bell_.ring();
    }
}

void link_base::serve_writer() {
    std::vector<outgoing> batch;
    reading_turn turn(*writer_, half_heartbeat());
    for (;;) {
        const bool finishing = writer_finishing_.load();
        const auto now = clock::now();
        writer_turn(now);
        receive_in_writer(turn, now);
        outbox_.take(batch);
        const bool sent = !batch.empty();
        send(batch, turn);
        if (finishing && !sent) {
            writer_leaves();
            return;
        }
        if (!sent && outbox_.begin_sleep()) {
            turn.wait(outbox_.descriptor());
            outbox_.end_sleep();
        }
    }
}

void link_base::receive_in_writer(reading_turn& turn, clock::time_point now) {
    inbound message;
    for (int count = 0; count < burst && turn.receive(now, message); ++count)
        writer_received(std::move(message));
}

void link_base::poll_in_writer(reading_turn& turn) {
    turn.poll();
    receive_in_writer(turn, clock::now());
}

void link_base::send(std::vector<outgoing>& batch, reading_turn& turn) {
    for (std::size_t i = 0; i < batch.size();) {
        const std::size_t end = std::min(i + burst, batch.size());
        const bool several = end - i > 1;
        if (several) writer_->cork(true);
        for (; i < end; ++i) {
            if (batch[i].to == route::acknowledgement)
                write_acknowledgement(batch[i]);
            else
                send_message(batch[i], turn);
            batch[i].body = byte_buffer();
        }
        if (several) writer_->cork(false);
        if (i < batch.size()) poll_in_writer(turn);
    }
    batch.clear();
}

void link_base::send_message(const outgoing& entry, reading_turn& turn) {
    constexpr std::size_t parts_between_reads = 8;
    const std::string key = key_of(entry);
    const std::span<const std::byte> body = entry.body.span();
    const std::size_t part = writer_->part_size();
    if (body.size() <= part) {
        writer_->publish(1, names_.exchange(), key, entry.header, body);
        return;
    }
    writer_->begin_publish(1, names_.exchange(), key, entry.header, body.size());
    std::size_t count = 0;
    for (std::size_t sent = 0; sent < body.size(); sent += part) {
        writer_->publish_part(1, body.subspan(sent, std::min(part, body.size() - sent)));
        // Messages that arrive meanwhile are reported; replies wait, because the channel belongs to this message.
        if (++count % parts_between_reads == 0) poll_in_writer(turn);
    }
}

}  // namespace cadre::detail::amqp
