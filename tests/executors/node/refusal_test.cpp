// Invalid hosts, calls and options are refused with one sentence, at the start or when they arrive.

#include "executors/node/in_process_pool.hpp"
#include "node/hello.hpp"
#include "node/message.hpp"
#include "node/node_backend.hpp"

#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/sync_wait.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

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
        bool redelivers = true;
        std::vector<std::pair<node::node_id, byte_buffer>> sent{};
    };
    explicit scripted_link(std::shared_ptr<script> s) : script_(std::move(s)) {}
    void start(node::node_link_events& events, byte_buffer) override {
        script_->program = &events;
        if (!script_->first_agent.empty()) events.agent_joined(1, std::move(script_->first_agent));
    }
    void publish(node::target, node::node_id agent, byte_buffer body) noexcept override {
        script_->sent.emplace_back(agent, std::move(body));
    }
    void acknowledge(std::uint64_t) noexcept override {}
    void set_credit(std::uint32_t) noexcept override {}
    void drain_work() noexcept override {}
    [[nodiscard]] bool redelivers() const noexcept override { return script_->redelivers; }
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

cadre::task<std::size_t> size_of(std::string text) { co_return text.size(); }

cadre::task<std::size_t> result_of(cadre::job<std::size_t>& job) { co_return co_await job; }

/// Two agents with room for one call each; the engine redelivers nothing.
class ForgedMessages : public testing::Test {
protected:
    ForgedMessages() {
        program().agent_joined(1, hello());
        program().agent_joined(2, hello());
        say(1, node::encode_status({.workers = 1, .credit = 1, .restarts = 0}));
    }
    static byte_buffer hello() {
        return node::encode_hello(node::agent_hello{.build = node::build_of_program(), .host = "near", .pid = 1});
    }
    node::node_link_events& program() { return *script->program; }
    void say(node::node_id from, byte_buffer body) {
        testing::internal::CaptureStderr();
        program().received({.from = from, .body = std::move(body)});
        said = testing::internal::GetCapturedStderr();
    }
    /// The messages of this kind that were sent to an agent.
    [[nodiscard]] std::vector<const byte_buffer*> sent(node::node_id to, node::message_kind kind) const {
        std::vector<const byte_buffer*> found;
        for (const auto& [agent, body] : script->sent)
            if (agent == to && node::kind_of(body.span()) == kind) found.push_back(&body);
        return found;
    }
    static byte_buffer copy_of(const byte_buffer& bytes) {
        byte_buffer copy;
        copy.append(bytes.span());
        return copy;
    }
    static cadre::detail::call_reply failure() {
        cadre::detail::call_reply reply;
        reply.kind = cadre::detail::reply_kind::failure;
        reply.error = std::make_exception_ptr(cadre::timed_out("the right one"));
        return reply;
    }
    static byte_buffer reply_to(node::call_number number) { return node::encode_reply(number, failure(), 9); }

    const std::shared_ptr<scripted_link::script> script = [] {
        auto made = std::make_shared<scripted_link::script>();
        made->redelivers = false;
        return made;
    }();
    const cadre::executor ex{node::node_backend::create(settings(0), std::make_unique<scripted_link>(script))};
    std::string said;
};

TEST_F(ForgedMessages, an_agent_does_not_affect_the_calls_of_another_one) {
    auto job = cadre::spawn(ex, size_of, "text");
    ASSERT_EQ(sent(1, node::message_kind::call).size(), 1u);
    const byte_buffer call = copy_of(*sent(1, node::message_kind::call).front());
    const node::call_number number = node::number_of_call(call.span());
    say(2, node::encode_status({.workers = 1, .credit = 1, .restarts = 0}));
    for (const node::node_id other : {2u, 3u}) {
        say(other, reply_to(number));
        say(other, node::encode_note(node::message_kind::declined, {number, 0}));
        say(other, node::encode_note(node::message_kind::lost, {number, 0}));
        say(other, node::encode_note(node::message_kind::arguments_request, {number, 0}));
        say(other, node::encode_held(std::vector{node::held_call{number, 77}}));
        say(other, copy_of(call));
        EXPECT_NE(said.find("only the program sends"), std::string::npos) << said;
        EXPECT_FALSE(job.ready());
    }
    EXPECT_EQ(job.worker_pid(), 0);
    EXPECT_TRUE(sent(2, node::message_kind::call).empty()) << "no other agent runs it";
    EXPECT_TRUE(sent(2, node::message_kind::arguments).empty()) << "nor sees its arguments";
    say(1, node::encode_held(std::vector{node::held_call{number, 78}}));
    EXPECT_EQ(job.worker_pid(), 78);
    say(1, reply_to(number));
    EXPECT_THROW(cadre::sync_wait(result_of(job)), cadre::timed_out);
}

TEST_F(ForgedMessages, arguments_are_sent_once) {
    auto job = cadre::spawn(ex, size_of, std::string(node::max_message + 1, 'x'));
    ASSERT_EQ(sent(1, node::message_kind::call).size(), 1u);
    const auto number = node::number_of_call(sent(1, node::message_kind::call).front()->span());
    for (int i = 0; i < 3; ++i)
        say(1, node::encode_note(node::message_kind::arguments_request, {number, 0}));
    EXPECT_NE(said.find("does not follow"), std::string::npos) << said;
    say(1, node::encode_note(node::message_kind::arguments_request, {number, ~std::uint64_t{0}}));
    say(1, node::encode_note(node::message_kind::arguments_request, {number, node::part_size}));
    EXPECT_EQ(sent(1, node::message_kind::arguments).size(), 2u);
    say(1, reply_to(number));
    EXPECT_THROW(cadre::sync_wait(result_of(job)), cadre::timed_out);
}

TEST_F(ForgedMessages, messages_that_are_cut_off_extended_or_changed_do_no_harm) {
    cadre::detail::call_reply whole;
    whole.kind = cadre::detail::reply_kind::value;
    whole.partial.append(std::as_bytes(std::span("abc", 3)));
    auto job = cadre::spawn(ex, size_of, "text");
    const auto number = node::number_of_call(sent(1, node::message_kind::call).front()->span());
    const node::call_number other = ~number;  // no few changes of bits hit the call
    std::vector<byte_buffer> valid;
    valid.push_back(reply_to(other));
    valid.push_back(node::encode_reply(other, std::move(whole), 9));
    valid.push_back(node::encode_progress(other, {}));
    valid.push_back(node::encode_held(std::vector{node::held_call{other, 77}}));
    valid.push_back(node::encode_status({.workers = 1, .credit = 1, .restarts = 0}));
    valid.push_back(node::encode_text(node::message_kind::unusable, "why"));
    for (const auto kind :
         {node::message_kind::declined, node::message_kind::lost, node::message_kind::returned,
          node::message_kind::arguments_request, node::message_kind::home_stop, node::message_kind::home_ended})
        valid.push_back(node::encode_note(kind, {other, 1}));
    const std::byte request[] = {std::byte{1}, {}, {}, {}, {}, {}, {}, {}, {}, std::byte{1}};
    valid.push_back(node::encode_home(node::message_kind::home_request, {5, 6}, request));
    testing::internal::CaptureStderr();
    for (std::uint64_t seed = 1; seed <= 40'000; ++seed) {
        std::mt19937_64 random(seed);
        byte_buffer body = copy_of(valid[random() % valid.size()]);
        for (auto changes = random() % 3; changes != 0; --changes)
            body.span()[random() % body.size()] ^= static_cast<std::byte>(1u << random() % 8);
        if (random() % 3 == 0) {
            byte_buffer part;
            const std::size_t from = random() % body.size();
            part.append(random() % 2 == 0 ? body.span().subspan(from) : body.span().first(from));
            body = std::move(part);
        } else if (random() % 3 == 0) {
            body.append(copy_of(valid[random() % valid.size()]).span());
        }
        program().received({.from = static_cast<node::node_id>(1 + random() % 2), .body = std::move(body)});
    }
    static_cast<void>(testing::internal::GetCapturedStderr());
    say(1, reply_to(number));
    EXPECT_THROW(cadre::sync_wait(result_of(job)), cadre::timed_out);
}

}  // namespace
