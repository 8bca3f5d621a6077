#include "program_link.hpp"

#include <algorithm>
#include <limits>
#include <thread>
#include <utility>

namespace cadre::detail::amqp {

namespace {

using namespace std::chrono_literals;

// Kinds of consumers. Channel 1 receives messages of agents, channel 2 tokens and returned work.
constexpr char from_agents = 'i';
constexpr char session_token = 's';
constexpr char agent_token = 't';
constexpr char returned_work = 'w';

constexpr std::uint16_t token_prefetch = 2;  // there are two while the token is renewed
constexpr int resource_locked = 405;
constexpr int access_refused = 403;

// A broker needs some seconds to detect that the host of the previous program was cut off.
constexpr auto previous_program_limit = 4s;
// An unused queue expires after 30 s.
constexpr auto work_renewal = 10s;
// The work of a lost agent is redelivered some milliseconds after its token.
constexpr auto drain_time = 1s;

constexpr std::size_t max_hello = std::size_t{64} << 10;

}  // namespace

program_link::program_link(const rabbitmq_library& library, broker_address address, const std::string& group,
                           link_timing timing)
    : link_base(library, std::move(address), group, "program", timing) {}

// --- the core's side -------------------------------------------------------------------------------------------------

void program_link::publish(node::target to, node::node_id to_agent, byte_buffer body) noexcept {
    outgoing entry{route::work, 0, {message_kind::data, session_.load(), 0}, std::move(body)};
    switch (to) {
        case node::target::work: break;
        case node::target::all_agents: entry.to = route::all_agents; break;
        case node::target::agent: {
            const auto known = find(to_agent);
            if (!known || known->leaving) return;
            entry.to = route::agent;
            entry.destination = known->key;
            break;
        }
        case node::target::program: return;
    }
    out().push(std::move(entry));
}

void program_link::drain_work() noexcept {
    drain_requested_ = true;
    wake_control();
}

std::optional<program_link::agent> program_link::find(std::uint64_t id) const {
    if (id > std::numeric_limits<node::node_id>::max()) return std::nullopt;
    const std::scoped_lock lock(agents_mutex_);
    const auto found = agents_.find(static_cast<node::node_id>(id));
    if (found == agents_.end()) return std::nullopt;
    return found->second;
}

std::string program_link::key_of(const outgoing& entry) const {
    switch (entry.to) {
        case route::work: return group_names::work_key(entry.header.session);
        case route::agent: return group_names::agent_key(entry.destination);
        case route::all_agents: return group_names::all_agents_key();
        case route::token: return group_names::token_key(entry.destination);
        default: return group_names::program_key();
    }
}

// --- the session -----------------------------------------------------------------------------------------------------

void program_link::set_up() {
    const std::uint64_t session = draw_identity();
    declare_program_queue();
    control().declare_queue(1, names().session_token(session), queue_kind::handover);
    control().bind(1, names().session_token(session), names().exchange(), group_names::token_key(session));
    control().declare_queue(1, names().work_queue(session), queue_kind::shared);
    control().bind(1, names().work_queue(session), names().exchange(), group_names::work_key(session));
    control().consume(2, names().session_token(session), {session_token, 0}, token_prefetch);
    session_ = session;
    publish_token();
    work_declared_ = clock::now();
    control().consume(1, names().program_queue(), {from_agents, 0}, 0);
    out().push({route::all_agents, 0, {message_kind::announce, session, 0}, {}});
    was_up_ = true;
}

void program_link::declare_program_queue() {
    const auto give_up = clock::now() + previous_program_limit;
    for (;;) {
        try {
            control().declare_exchange(1, names().exchange());
            control().declare_queue(1, names().program_queue(), queue_kind::own);
            control().bind(1, names().program_queue(), names().exchange(), group_names::program_key());
            return;
        } catch (const engine_error& e) {
            if (e.reply_code() == access_refused) throw_without_permission();
            if (e.reply_code() != resource_locked || was_up_) throw;
            if (clock::now() >= give_up)
                throw engine_error("another program with the name '" +
                                   names().exchange().substr(std::string_view("cadre.").size()) +
                                   "' uses this broker: set another `name` for this program and its agents");
        }
        std::this_thread::sleep_for(200ms);
        control().reopen_channel(1);  // the broker has closed it with its refusal
    }
}

// Published by the writer: a broker that is short of memory does not block a connection that publishes nothing.
void program_link::publish_token() {
    const std::uint64_t session = session_.load();
    out().push({route::token, session, {message_kind::token, session, 0}, {}});
    token_since_ = clock::now();
}

void program_link::forget_session() noexcept {
    session_ = 0;
    token_tag_ = 0;
    draining_ = false;
    drain_requested_ = false;
    const std::scoped_lock lock(agents_mutex_);
    agents_.clear();
}

void program_link::control_received(inbound message) {
    switch (message.consumer.kind) {
        case from_agents: take_from_agents(std::move(message)); return;
        case session_token: take_session_token(message); return;
        case agent_token: take_agent_token(message); return;
        case returned_work:
            drain_until_ = clock::now() + drain_time;
            if (!message.valid || message.header.kind != message_kind::data ||
                message.header.session != session_.load())
                return;
            report([&](node::node_link_events& events) {
                events.received({0, 0, message.redelivered, std::move(message.body)});
            });
            return;
        default: return;
    }
}

void program_link::control_turn(clock::time_point now) {
    if (drain_requested_.exchange(false)) begin_drain();
    if (draining_ && now >= drain_until_) end_drain();
    if (now - token_since_ >= timing().token_lifetime) publish_token();
    if (now - work_declared_ >= work_renewal) {
        work_declared_ = now;
        control().declare_queue(1, names().work_queue(session_.load()), queue_kind::shared);
    }
}

// The new token has arrived: the previous one is no longer needed.
void program_link::take_session_token(const inbound& message) {
    if (token_tag_ != 0) control().acknowledge(2, token_tag_);
    token_tag_ = message.tag;
}

void program_link::begin_drain() {
    drain_until_ = clock::now() + drain_time;
    if (draining_) return;
    draining_ = true;
    control().consume(2, names().work_queue(session_.load()), {returned_work, 0}, 0);
}

void program_link::end_drain() {
    if (!draining_) return;
    draining_ = false;
    control().cancel(2, {returned_work, 0});
}

// --- agents ----------------------------------------------------------------------------------------------------------

void program_link::take_from_agents(inbound message) {
    if (!message.valid) return;
    const message_header& header = message.header;
    if (header.kind == message_kind::hello) {
        take_hello(std::move(message));
        return;
    }
    if (header.session != session_.load()) return;  // late, of an earlier session
    const auto known = find(header.peer);
    if (!known) return;
    const auto id = static_cast<node::node_id>(header.peer);
    switch (header.kind) {
        case message_kind::data:
            report([&](node::node_link_events& events) { events.received({0, id, false, std::move(message.body)}); });
            return;
        case message_kind::bye: take_bye(id); return;
        case message_kind::fence: take_fence(id); return;
        default: return;
    }
}

void program_link::take_hello(inbound message) {
    const std::uint64_t key = message.header.peer;
    const std::uint64_t joins = message.header.session;
    if (message.body.size() > max_hello) return;
    for (const auto& [id, known] : agents_) {
        if (known.key != key || known.leaving) continue;
        if (known.joins == joins) return;  // a second hello, because of an announcement meanwhile
        const node::node_id left = id;
        unwatch(left, key);
        remove(left);
        break;
    }
    // Without the consumer of its owner the queue of the token would never deliver it.
    const std::string token = names().agent_token(key);
    if (control().declare_queue(2, token, queue_kind::handover) == 0) {
        control().delete_queue(2, token);
        return;
    }
    end_drain();
    const node::node_id id = ++last_id_;
    control().consume(2, token, {agent_token, id}, token_prefetch);
    {
        const std::scoped_lock lock(agents_mutex_);
        agents_.emplace(id, agent{key, joins, false});
    }
    out().push({route::agent, key, {message_kind::welcome, session_.load(), id}, copy_of_hello()});
    report([&](node::node_link_events& events) { events.agent_joined(id, std::move(message.body)); });
}

// The broker has closed the connection of the agent. Earlier messages of the agent may still be in the queue of this
// program: the fence arrives after them.
void program_link::take_agent_token(const inbound& message) {
    control().acknowledge(2, message.tag);
    const auto known = find(message.consumer.number);
    if (!known || known->leaving) return;
    const auto id = static_cast<node::node_id>(message.consumer.number);
    unwatch(id, known->key);
    {
        const std::scoped_lock lock(agents_mutex_);
        agents_[id].leaving = true;
    }
    out().push({route::program, 0, {message_kind::fence, session_.load(), id}, {}});
}

void program_link::take_bye(node::node_id id) {
    const auto known = find(id);
    if (!known || known->leaving) return;
    unwatch(id, known->key);
    remove(id);
}

void program_link::take_fence(node::node_id id) {
    const auto known = find(id);
    if (known && known->leaving) remove(id);
}

void program_link::unwatch(node::node_id id, std::uint64_t key) {
    control().cancel(2, {agent_token, id});
    control().delete_queue(2, names().agent_token(key));
}

void program_link::remove(node::node_id id) {
    {
        const std::scoped_lock lock(agents_mutex_);
        agents_.erase(id);
    }
    report([&](node::node_link_events& events) { events.agent_gone(id); });
}

// --- the writer, and the end -----------------------------------------------------------------------------------------

void program_link::writer_received(inbound /*message*/) {}

void program_link::writer_turn(clock::time_point /*now*/) {}

void program_link::write_acknowledgement(const outgoing& /*entry*/) {}

void program_link::begin_leaving() { out().push({route::all_agents, 0, {message_kind::end, session_.load(), 0}, {}}); }

void program_link::writer_leaves() {}

void program_link::control_leaves() {
    const std::uint64_t session = session_.load();
    control().delete_queue(1, names().work_queue(session));
    control().delete_queue(1, names().session_token(session));
    // Agents delete their queues; those of agents that are lost at this moment expire.
}

}  // namespace cadre::detail::amqp
