// What does not fit is refused by one sentence, at the start or when it comes.

#include "executors/node/in_process_pool.hpp"
#include "node/hello.hpp"
#include "node/message.hpp"
#include "node/node_backend.hpp"

#include <cadre/errors.hpp>
#include <cadre/on.hpp>
#include <cadre/sync_wait.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;
namespace node = cadre::detail::node;
using cadre::detail::byte_buffer;

/// A link whose other end is the test.
class scripted_link final : public node::node_link {
public:
    struct script {
        node::node_link_events* program = nullptr;
        byte_buffer first_agent{};  // its hello; empty: none joins
    };
    explicit scripted_link(std::shared_ptr<script> s) : script_(std::move(s)) {}
    void start(node::node_link_events& events, byte_buffer) override {
        script_->program = &events;
        if (!script_->first_agent.empty()) events.agent_joined(1, std::move(script_->first_agent));
    }
    void publish(node::target, node::node_id, byte_buffer) noexcept override {}
    void acknowledge(std::uint64_t) noexcept override {}
    void set_credit(std::uint32_t) noexcept override {}
    void drain_work() noexcept override {}
    [[nodiscard]] bool redelivers() const noexcept override { return true; }
    void stop(std::chrono::steady_clock::time_point) noexcept override {}

private:
    std::shared_ptr<script> script_;
};

node::node_settings settings(std::size_t nodes) {
    node::node_settings s;
    s.name = "cluster";
    s.host = "home";
    s.nodes = nodes;
    s.nodes_wait = 20ms;
    return s;
}

std::string refusal_of(std::shared_ptr<scripted_link::script> script) {
    try {
        static_cast<void>(node::node_backend::create(settings(1), std::make_unique<scripted_link>(std::move(script))));
    } catch (const cadre::config_error& e) {
        return e.what();
    }
    return {};
}

TEST(NodeRefusal, another_build_is_named_with_both_hosts) {
    auto script = std::make_shared<scripted_link::script>();
    script->first_agent = node::encode_hello(node::agent_hello{.build = 0x1234, .host = "far", .pid = 1});
    EXPECT_EQ(refusal_of(script),
              "executor 'cluster': host far runs build 0000000000001234 of the program and host home build " +
                  node::build_text(node::build_of_program()) + ": install the same build on both");
}

TEST(NodeRefusal, a_start_without_agents_says_how_many_have_joined) {
    EXPECT_EQ(
        refusal_of(std::make_shared<scripted_link::script>()),
        "executor 'cluster': 0 of 1 nodes have joined within 20 ms: start the agents earlier, or raise nodes_wait");
}

TEST(NodeRefusal, any_bytes_from_an_agent_do_no_harm) {
    auto script = std::make_shared<scripted_link::script>();
    script->first_agent =
        node::encode_hello(node::agent_hello{.build = node::build_of_program(), .host = "near", .pid = 1});
    const cadre::executor ex(node::node_backend::create(settings(0), std::make_unique<scripted_link>(script)));
    testing::internal::CaptureStderr();
    std::mt19937_64 random(5);
    for (int i = 0; i < 20'000; ++i) {
        byte_buffer body;
        const std::size_t size = random() % 120;
        for (std::size_t at = 0; at < size; ++at)
            *body.extend(1) = static_cast<std::byte>(random() % 4 == 0 ? random() : random() % 2);
        *body.extend(1) = static_cast<std::byte>(random() % 16);
        script->program->received({.from = static_cast<node::node_id>(random() % 3), .body = std::move(body)});
    }
    static_cast<void>(testing::internal::GetCapturedStderr());
    EXPECT_EQ(ex.stats().running, 0u);
}

}  // namespace
