// rabbitmq-c alone, used with care: a connection to publish and one to consume, exclusive queues, acknowledgements of
// 64 messages.

#include "cluster/parameters.hpp"

#include <cstdlib>
#include <string_view>

#include <sys/time.h>

#include "cluster/amqp/rabbitmq_library.hpp"
#include "cluster/broker_address.hpp"

namespace {

using namespace cadre::detail::amqp;

amqp_bytes_t bytes(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }

constexpr std::string_view work = "cadre.bare.work";
constexpr std::string_view answers = "cadre.bare.answers";

class bare_connection {
public:
    bare_connection() : state_(amqp_new_connection()) {
        const broker_address address = parse_broker_url(cluster::broker_url());
        amqp_socket_t* const socket = amqp_tcp_socket_new(state_);
        bench::require(amqp_socket_open(socket, address.host.c_str(), address.port) == AMQP_STATUS_OK, "connect");
        check(amqp_login(state_, address.vhost.c_str(), 0, 131'072, 0, AMQP_SASL_METHOD_PLAIN, address.user.c_str(),
                         address.password.c_str()));
        amqp_channel_open(state_, 1);
        check(amqp_get_rpc_reply(state_));
    }
    bare_connection(const bare_connection&) = delete;
    ~bare_connection() {
        amqp_connection_close(state_, 200);
        amqp_destroy_connection(state_);
    }

    void declare(std::string_view queue) {
        amqp_queue_declare(state_, 1, bytes(queue), 0, 0, 0, 1, amqp_table_t{});
        check(amqp_get_rpc_reply(state_));
    }
    void consume(std::string_view queue, bool acknowledge) {
        amqp_basic_qos(state_, 1, 0, cluster::in_flight, 0);
        check(amqp_get_rpc_reply(state_));
        amqp_basic_consume(state_, 1, bytes(queue), amqp_bytes_t{}, 0, acknowledge ? 0 : 1, 0, amqp_table_t{});
        check(amqp_get_rpc_reply(state_));
    }
    void publish(std::string_view queue, std::string_view body) {
        bench::require(amqp_basic_publish(state_, 1, amqp_bytes_t{}, bytes(queue), 0, 0, nullptr, bytes(body)) ==
                           AMQP_STATUS_OK,
                       "publish");
    }
    /// @return the tag of a delivery; 0: there is none within the limit
    std::uint64_t receive(const timeval* limit = nullptr) {
        amqp_maybe_release_buffers(state_);
        amqp_envelope_t envelope;
        const amqp_rpc_reply_t reply = amqp_consume_message(state_, &envelope, limit, 0);
        if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_TIMEOUT) return 0;
        check(reply);
        const std::uint64_t tag = envelope.delivery_tag;
        amqp_destroy_envelope(&envelope);
        return tag;
    }
    void acknowledge(std::uint64_t tag) { amqp_basic_ack(state_, 1, tag, 1); }

private:
    static void check(const amqp_rpc_reply_t& reply) {
        bench::require(reply.reply_type == AMQP_RESPONSE_NORMAL, "request to the broker");
    }

    amqp_connection_state_t state_;
};

void answer() {
    bare_connection in;
    bare_connection out;
    in.declare(work);
    in.consume(work, true);
    const std::string body(cluster::small, 'x');
    const timeval none{};
    std::uint64_t last = 0;
    for (std::uint64_t acknowledged = 0;;) {
        std::uint64_t tag = in.receive(&none);
        if (tag == 0) {
            if (acknowledged != last) in.acknowledge(acknowledged = last);
            tag = in.receive();
        }
        out.publish(answers, body);
        last = tag;
        if (last - acknowledged >= 64) in.acknowledge(acknowledged = last);
    }
}

}  // namespace

int main() {
    if (cluster::broker_url().empty()) return 0;
    bare_connection in;
    bare_connection out;
    in.declare(answers);
    in.consume(answers, false);
    out.declare(work);
    const cluster::answering_process other(answer);
    const std::string small(cluster::small, 'x');
    const std::string large(cluster::large, 'x');
    cluster::measure_round_trips([&] {
        out.publish(work, small);
        in.receive();
    });
    cluster::measure_rate([&](int count) {
        int answered = 0;
        for (int sent = 0; answered < count;) {
            while (sent < count && sent - answered < cluster::in_flight) {
                out.publish(work, small);
                ++sent;
            }
            in.receive();
            ++answered;
        }
    });
    cluster::measure_large([&] {
        out.publish(work, large);
        in.receive();
    });
}
