#include "node/credit.hpp"
#include "node/hello.hpp"
#include "node/message.hpp"
#include "node/parts.hpp"

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/errors.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace node = cadre::detail::node;
using namespace cadre::detail;

byte_buffer bytes_of(std::string_view text) {
    byte_buffer b;
    b.append(std::as_bytes(std::span(text)));
    return b;
}

std::string text_of(const byte_buffer& b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

struct a_call final : portable_call {
    void complete(call_reply) noexcept override {}
};

TEST(NodeMessage, a_call_arrives_as_it_was_sent) {
    a_call call;
    call.entry = {.module = 5, .offset = 6};
    call.id = 7;
    call.items = 3;
    call.raw = {.enabled = true, .result_size = 8, .claim = 2};
    call.returns_items = true;
    call.options = {
        .name = "resize", .timeout = std::chrono::seconds(2), .priority = -5, .retries = 4, .fresh_worker = true};
    call.arguments = bytes_of("abcd");
    const std::string long_run(100, 'x');
    call.borrowed.push_back({2, std::as_bytes(std::span(long_run))});
    const node::received_call r = node::decode_call(node::encode_call(11, 12, call));
    EXPECT_EQ(r.number, 11u);
    EXPECT_EQ(r.epoch, 12u);
    EXPECT_EQ(r.entry, call.entry);
    EXPECT_EQ(r.id, 7u);
    EXPECT_EQ(r.items, 3u);
    EXPECT_TRUE(r.raw.enabled);
    EXPECT_EQ(r.raw.result_size, 8u);
    EXPECT_EQ(r.raw.claim, 2u);
    EXPECT_TRUE(r.returns_items);
    EXPECT_EQ(r.options.name, "resize");
    EXPECT_EQ(r.options.timeout, std::chrono::seconds(2));
    EXPECT_EQ(r.options.priority, -5);
    EXPECT_EQ(r.options.retries, 4);
    EXPECT_TRUE(r.options.fresh_worker);
    EXPECT_EQ(text_of(r.arguments), "ab" + long_run + "cd");
    EXPECT_EQ(node::number_of_call(node::encode_call(11, 12, call).span()), 11u);
}

TEST(NodeMessage, a_failure_keeps_its_type_and_gets_the_host) {
    call_reply reply;
    reply.kind = reply_kind::failure;
    reply.error = std::make_exception_ptr(cadre::worker_crashed("worker 0 died", {.pid = 9, .signal = 11}));
    reply.items_done = 2;
    reply.partial = bytes_of("partial");
    reply.item_errors = bytes_of("errors");
    const node::received_reply r = node::decode_reply(node::encode_reply(3, std::move(reply), 9), "node7");
    EXPECT_EQ(r.number, 3u);
    EXPECT_EQ(r.worker, 9);
    EXPECT_EQ(r.reply.items_done, 2u);
    EXPECT_EQ(text_of(r.reply.partial), "partial");
    EXPECT_EQ(text_of(r.reply.item_errors), "errors");
    try {
        std::rethrow_exception(r.reply.error);
    } catch (const cadre::worker_crashed& e) {
        EXPECT_EQ(e.signal(), 11);
        EXPECT_STREQ(e.what(), "worker 0 died");
    }
}

TEST(NodeMessage, an_unfinished_chunk_keeps_the_error_of_its_last_item) {
    call_reply reply;
    reply.kind = reply_kind::unfinished;
    reply.items_done = 5;
    reply.retry_last = true;
    reply.last_item = std::make_exception_ptr(cadre::timed_out("too slow"));
    reply.partial = bytes_of("12345");
    const node::received_reply r = node::decode_reply(node::encode_reply(3, std::move(reply), 0), "node7");
    EXPECT_EQ(r.reply.kind, reply_kind::unfinished);
    EXPECT_TRUE(r.reply.retry_last);
    EXPECT_THROW(std::rethrow_exception(r.reply.last_item), cadre::timed_out);
    EXPECT_EQ(text_of(r.reply.partial), "12345");
}

// Each prefix of a message lacks its end; each tail lacks a part of its body.
TEST(NodeMessage, what_is_cut_off_is_refused) {
    call_reply reply;
    reply.bytes = bytes_of("value");
    reply.partial = bytes_of("partial");
    reply.where = "worker 1";
    const byte_buffer whole = node::encode_reply(3, std::move(reply), 1);
    for (std::size_t from = 1; from + 1 < whole.size(); ++from) {
        byte_buffer tail;
        tail.append(whole.span().subspan(from));
        if (from <= 5) continue;  // a shorter value
        EXPECT_THROW(static_cast<void>(node::decode_reply(std::move(tail), "node7")), cadre::codec_error) << from;
    }
    EXPECT_THROW(static_cast<void>(node::kind_of({})), cadre::codec_error);
}

TEST(NodeMessage, large_arguments_travel_in_parts) {
    a_call call;
    call.arguments.resize_uninitialized(node::max_message + 5);
    std::memset(call.arguments.data(), 1, call.arguments.size());
    call.arguments.data()[call.arguments.size() - 1] = std::byte{9};
    const node::received_call r = node::decode_call(node::encode_call(1, 1, call));
    EXPECT_EQ(r.missing_bytes, call.arguments.size());
    EXPECT_TRUE(r.arguments.empty());
    std::uint64_t at = 0;
    std::byte last{};
    while (at < r.missing_bytes) {
        const node::arguments_part part = node::decode_arguments(node::encode_arguments(1, call, at));
        EXPECT_EQ(part.offset, at);
        ASSERT_FALSE(part.bytes.empty());
        at += part.bytes.size();
        last = part.bytes.span().back();
    }
    EXPECT_EQ(last, std::byte{9});
    EXPECT_THROW(static_cast<void>(node::encode_arguments(1, call, at)), cadre::codec_error);
}

class collecting_link final : public node::node_link {
public:
    void start(node::node_link_events&, byte_buffer) override {}
    void publish(node::target, node::node_id, byte_buffer body) noexcept override { sent.push_back(std::move(body)); }
    void acknowledge(std::uint64_t) noexcept override {}
    void set_credit(std::uint32_t) noexcept override {}
    void drain_work() noexcept override {}
    [[nodiscard]] bool redelivers() const noexcept override { return false; }
    void stop(std::chrono::steady_clock::time_point) noexcept override {}
    std::vector<byte_buffer> sent;
};

TEST(NodeMessage, parts_of_two_messages_may_alternate) {
    collecting_link link;
    for (const char c : {'a', 'b'}) {
        byte_buffer large;
        large.resize_uninitialized(node::max_message + 1);
        std::memset(large.data(), c, large.size());
        node::publish_in_parts(link, node::target::program, 0, std::move(large));
    }
    const std::size_t half = link.sent.size() / 2;
    node::part_collector parts;
    std::vector<byte_buffer> whole;
    for (std::size_t i = 0; i < half; ++i)
        for (const std::size_t at : {i, half + i})
            if (auto complete = parts.add(4, link.sent[at].span())) whole.push_back(std::move(complete->bytes));
    ASSERT_EQ(whole.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(whole[i].size(), node::max_message + 1);
        EXPECT_EQ(whole[i].span().back(), static_cast<std::byte>(i == 0 ? 'a' : 'b'));
    }
    static_cast<void>(parts.add(4, link.sent[0].span()));
    EXPECT_THROW(static_cast<void>(parts.add(4, link.sent[0].span())), cadre::codec_error);  // twice
    parts.forget(4);
    EXPECT_FALSE(parts.add(4, link.sent[0].span()).has_value());
}

TEST(NodeCredit, short_calls_get_much_and_long_ones_little) {
    node::credit_control c(2);
    EXPECT_EQ(c.credit(), 4u);
    for (int i = 0; i < 1000; ++i)
        c.ended(10'000);  // nanoseconds
    EXPECT_TRUE(c.adapt(4, 2));
    EXPECT_EQ(c.credit(), 402u);
    for (int i = 0; i < 1000; ++i)
        c.ended(50'000'000);
    EXPECT_TRUE(c.adapt(100, 98));
    EXPECT_EQ(c.credit(), 4u);
}

TEST(NodeCredit, calls_that_sleep_do_not_use_it_up) {
    node::credit_control c(1);
    std::size_t held = c.credit();
    int rounds = 0;
    for (; held < 1000; held = c.credit(), ++rounds)
        ASSERT_TRUE(c.adapt(held, 0));
    EXPECT_LE(rounds, 10);
    EXPECT_TRUE(c.adapt(0, 0));  // they have ended
    EXPECT_EQ(c.credit(), 2u);
}

}  // namespace
