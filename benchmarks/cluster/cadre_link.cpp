// The link alone, which kind `cluster` uses for its calls.

#include "cluster/parameters.hpp"

#include <atomic>
#include <chrono>
#include <cstring>

#include "cluster/amqp_link.hpp"

namespace {

using namespace cadre::detail;
using node::delivery;
using node::node_id;
using node::target;

byte_buffer bytes(std::size_t size) {
    byte_buffer made;
    std::memset(made.extend(size), 'x', size);
    return made;
}

class no_events : public node::node_link_events {
public:
    void received(delivery /*message*/) noexcept override {}
    void agent_joined(node_id /*agent*/, byte_buffer /*hello*/) noexcept override {}
    void agent_gone(node_id /*agent*/) noexcept override {}
    void program_joined(byte_buffer /*hello*/) noexcept override {}
    void program_gone() noexcept override {}
    void engine_gone(std::string /*why*/) noexcept override {}
    void engine_back() noexcept override {}
};

class answering : public no_events {
public:
    node::node_link* link = nullptr;
    void received(delivery message) noexcept override {
        link->publish(target::program, 0, bytes(cluster::small));
        link->acknowledge(message.tag);
    }
};

class counting : public no_events {
public:
    void received(delivery /*message*/) noexcept override {
        answers.fetch_add(1);
        answers.notify_one();
    }
    void agent_joined(node_id /*agent*/, byte_buffer /*hello*/) noexcept override {
        joined = true;
        joined.notify_one();
    }
    void wait_for(int count) const {
        for (int now = answers.load(); now < count; now = answers.load())
            answers.wait(now);
    }
    std::atomic<int> answers = 0;
    std::atomic<bool> joined = false;
};

amqp::amqp_options options(bool agent) {
    amqp::amqp_options made;
    made.name = "benchmark";
    made.agent = agent;
    return made;
}

void answer() {
    answering events;
    const auto link = amqp::make_amqp_link(options(true));
    events.link = link.get();
    link->set_credit(cluster::in_flight);
    link->start(events, {});
    for (;;)
        ::pause();
}

}  // namespace

int main() {
    if (cluster::broker_url().empty()) return 0;
    const cluster::answering_process agent(answer);
    counting events;
    const auto link = amqp::make_amqp_link(options(false));
    link->start(events, {});
    events.joined.wait(false);
    int sent = 0;
    const auto call = [&](std::size_t size) {
        link->publish(target::work, 0, bytes(size));
        events.wait_for(++sent);
    };
    cluster::measure_round_trips([&] { call(cluster::small); });
    cluster::measure_rate([&](int count) {
        for (int i = 0; i < count; ++i) {
            events.wait_for(sent - cluster::in_flight + 1);
            link->publish(target::work, 0, bytes(cluster::small));
            ++sent;
        }
        events.wait_for(sent);
    });
    const byte_buffer body = bytes(cluster::large);
    cluster::measure_large([&] {
        byte_buffer copy;
        copy.append(body.span());
        link->publish(target::work, 0, std::move(copy));
        events.wait_for(++sent);
    });
    cluster::measure_idle();
    link->stop(std::chrono::steady_clock::now() + std::chrono::seconds(5));
}
