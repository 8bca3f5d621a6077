#include "agent_link.hpp"

#include <utility>

namespace cadre::detail::amqp {

namespace {

using namespace std::chrono_literals;

// Kinds of consumers: on the control connection, and on the writer's.
constexpr char from_program = 'i';
constexpr char own_token = 't';
constexpr char session_token = 's';
constexpr char work = 'w';

constexpr std::uint16_t token_prefetch = 2;  // there are two while the token is renewed
constexpr int access_refused = 403;

// Only a fallback for a lost message, because a program announces itself.
constexpr auto hello_period = 10s;
constexpr unsigned delivery_tag_bits = 44;
constexpr std::uint64_t delivery_tag_mask = (std::uint64_t{1} << delivery_tag_bits) - 1;

}  // namespace

agent_link::agent_link(const rabbitmq_library& library, broker_address address, const std::string& group,
                       link_timing timing)
    : link_base(library, std::move(address), group, "agent", timing) {}

// --- the core's side -------------------------------------------------------------------------------------------------

void agent_link::publish(node::target to, node::node_id /*agent*/, byte_buffer body) noexcept {
    const std::uint64_t session = session_.load();
    if (session == 0 || to != node::target::program) return;
    out().push({route::program, 0, {message_kind::data, session, number_.load()}, std::move(body)});
}

void agent_link::acknowledge(std::uint64_t tag) noexcept { out().push({route::acknowledgement, tag, {}, {}}); }

void agent_link::set_credit(std::uint32_t messages) noexcept {
    credit_ = messages;
    out().wake();
}

std::string agent_link::key_of(const outgoing& entry) const {
    switch (entry.to) {
        case route::all_agents: return group_names::all_agents_key();
        case route::token: return group_names::token_key(entry.destination);
        default: return group_names::program_key();
    }
}

// --- the control thread ----------------------------------------------------------------------------------------------

void agent_link::set_up() {
    key_ = draw_identity();
    ++connection_number_;
    try {
        writer().declare_exchange(1, names().exchange());
        writer().declare_queue(1, names().agent_token(key_), queue_kind::handover);
        writer().bind(1, names().agent_token(key_), names().exchange(), group_names::token_key(key_));
    } catch (const engine_error& e) {
        if (e.reply_code() != access_refused) throw;
        throw_without_permission();
    }
    writer().consume(1, names().agent_token(key_), {own_token, 0}, token_prefetch);
    writer().publish(1, names().exchange(), group_names::token_key(key_), {message_kind::token, 0, key_}, {});
    token_since_ = clock::now();
    control().declare_queue(1, names().agent_queue(key_), queue_kind::own);
    control().bind(1, names().agent_queue(key_), names().exchange(), group_names::agent_key(key_));
    control().bind(1, names().agent_queue(key_), names().exchange(), group_names::all_agents_key());
    control().consume(1, names().agent_queue(key_), {from_program, 0}, 0);
    send_hello();
}

void agent_link::forget_session() noexcept {
    session_ = 0;
    wanted_session_ = 0;
    served_session_ = 0;
    token_tag_ = 0;
    static_cast<void>(consumers_.forget());
}

void agent_link::send_hello() {
    hello_sent_at_ = clock::now();
    out().push({route::program, 0, {message_kind::hello, left_sessions_, key_}, copy_of_hello()});
}

void agent_link::control_received(inbound message) {
    if (message.consumer.kind != from_program || !message.valid) return;
    const std::uint64_t session = message.header.session;
    switch (message.header.kind) {
        case message_kind::announce:
            if (session == 0 || session == session_.load()) return;
            end_session();  // an agent serves one program at a time
            send_hello();
            return;
        case message_kind::welcome: take_welcome(std::move(message)); return;
        case message_kind::end:
            if (session != 0 && session == session_.load()) end_session();
            return;
        case message_kind::data:
            if (session == 0 || session != session_.load()) return;
            report([&](node::node_link_events& events) { events.received({0, 0, false, std::move(message.body)}); });
            return;
        default: return;
    }
}

void agent_link::take_welcome(inbound message) {
    const message_header& header = message.header;
    if (header.session == 0 || (header.session == session_.load() && header.peer == number_.load())) return;
    end_session();
    number_ = header.peer;
    session_ = header.session;
    report([&](node::node_link_events& events) { events.program_joined(std::move(message.body)); });
    wanted_session_ = header.session;
    out().wake();
}

void agent_link::end_session() {
    if (session_.exchange(0) == 0) return;
    ++left_sessions_;
    wanted_session_ = 0;
    out().wake();
    hello_sent_at_ = clock::now();
    report([](node::node_link_events& events) { events.program_gone(); });
}

void agent_link::control_turn(clock::time_point now) {
    if (session_.load() == 0 && now - hello_sent_at_ >= hello_period) send_hello();
}

// --- the writer thread -----------------------------------------------------------------------------------------------

void agent_link::writer_turn(clock::time_point now) {
    const std::uint64_t wanted = wanted_session_.load();
    if (wanted != served_session_) {
        leave_in_writer();
        if (wanted != 0) join_in_writer(wanted);
    }
    if (served_session_ != 0) adapt_consumers();
    if (now - token_since_ >= timing().token_lifetime) publish_token();
    while (const auto tag = consumers_.take_older_than(now - timing().longest_hold))
        writer().acknowledge(1, *tag);
}

void agent_link::join_in_writer(std::uint64_t session) {
    served_session_ = session;
    const std::string token = names().session_token(session);
    if (writer().declare_queue(1, token, queue_kind::handover) == 0) {
        // The program has ended already.
        writer().delete_queue(1, token);
        out().push({route::all_agents, 0, {message_kind::end, session, 0}, {}});
        return;
    }
    writer().consume(1, token, {session_token, session}, token_prefetch);
    writer().declare_queue(1, names().work_queue(session), queue_kind::shared);
}

void agent_link::leave_in_writer() {
    if (served_session_ == 0) return;
    while (const auto consumer = consumers_.take_consumer())
        writer().cancel(1, {work, *consumer});
    for (const std::uint64_t tag : consumers_.forget())
        writer().discard(1, tag);
    writer().cancel(1, {session_token, served_session_});
    writer().delete_queue(1, names().work_queue(served_session_));
    writer().delete_queue(1, names().session_token(served_session_));
    served_session_ = 0;
}

void agent_link::adapt_consumers() {
    while (const auto change = consumers_.next_change(credit_.load()))
        if (change->cancel)
            writer().cancel(1, {work, change->consumer});
        else
            writer().consume(1, names().work_queue(served_session_), {work, change->consumer}, change->prefetch);
}

void agent_link::writer_received(inbound message) {
    switch (message.consumer.kind) {
        case own_token: take_own_token(message); return;
        case session_token:
            // The broker has closed the connection of the program. This agent is the first to receive the token.
            out().push({route::all_agents, 0, {message_kind::end, message.consumer.number, 0}, {}});
            out().push({route::acknowledgement, message.tag, {message_kind::token, 0, 0}, {}});
            return;
        case work: take_work(std::move(message)); return;
        default: return;
    }
}

void agent_link::take_work(inbound message) {
    const std::uint64_t tag = connection_number_ << delivery_tag_bits | (message.tag & delivery_tag_mask);
    consumers_.delivered(message.consumer.number, message.tag, clock::now());
    if (!message.valid || message.header.kind != message_kind::data || message.header.session != served_session_ ||
        served_session_ == 0) {
        out().push({route::acknowledgement, tag, {}, {}});
        return;
    }
    report([&](node::node_link_events& events) {
        events.received({tag, 0, message.redelivered, std::move(message.body)});
    });
}

void agent_link::write_acknowledgement(const outgoing& entry) {
    const std::uint64_t tag = entry.destination;
    if (entry.header.kind == message_kind::token) {
        writer().acknowledge(1, tag);
        return;
    }
    if (tag >> delivery_tag_bits != connection_number_) return;
    const std::uint64_t delivery = tag & delivery_tag_mask;
    if (consumers_.ended(delivery)) writer().acknowledge(1, delivery);
}

void agent_link::publish_token() {
    token_since_ = clock::now();
    out().push({route::token, key_, {message_kind::token, 0, key_}, {}});
}

// The new token has arrived: the previous one is no longer needed.
void agent_link::take_own_token(const inbound& message) {
    if (token_tag_ != 0) out().push({route::acknowledgement, token_tag_, {message_kind::token, 0, 0}, {}});
    token_tag_ = message.tag;
}

// --- the end ---------------------------------------------------------------------------------------------------------

void agent_link::begin_leaving() { set_credit(0); }

void agent_link::writer_leaves() {
    while (const auto consumer = consumers_.take_consumer())
        writer().cancel(1, {work, *consumer});
    if (const std::uint64_t session = session_.load(); session != 0)
        writer().publish(1, names().exchange(), group_names::program_key(),
                         {message_kind::bye, session, number_.load()}, {});
}

void agent_link::control_leaves() { control().delete_queue(1, names().agent_token(key_)); }

}  // namespace cadre::detail::amqp
