// The home of objects believes no worker: what it says is checked, and what it leaves behind is recovered.

#include "state/home_service.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace {

using namespace cadre::detail;

struct answers final : home_answers {
    void answer(home_client, std::uint64_t ticket, byte_buffer body) noexcept override {
        EXPECT_FALSE(given.contains(ticket)) << "a request is answered once";
        given[ticket] = std::move(body);
    }
    [[nodiscard]] bool has(std::uint64_t ticket) const { return given.contains(ticket); }
    [[nodiscard]] op_status status(std::uint64_t ticket) {
        return static_cast<op_status>(given.at(ticket).span().front());
    }
    [[nodiscard]] std::uint64_t value(std::uint64_t ticket) {
        decoder in(given.at(ticket).span().subspan(answer_head));
        return take<std::uint64_t>(in);
    }

    std::map<std::uint64_t, byte_buffer> given{};
};

class HomeService : public testing::Test {
protected:
    void ask(home_client from, std::uint64_t ticket, home_op op, home_number number,
             std::span<const std::uint64_t> values = {}) {
        byte_buffer request;
        put(request, op);
        put(request, number);
        for (const std::uint64_t v : values)
            put(request, v);
        service.request(from, ticket, request.span());
    }
    void ask(home_client from, std::uint64_t ticket, home_op op, home_number number, std::uint64_t value) {
        ask(from, ticket, op, number, std::span(&value, 1));
    }
    home_number make(home_client by, home_op op, std::uint64_t argument) {
        ask(by, 1'000'000 + made_, op, 0, argument);
        return given.value(1'000'000 + made_++);
    }

    answers given;
    std::shared_ptr<home_domain> domain = std::make_shared<home_domain>(executor_identity{1, 2});
    home_service service{domain, given};
    const home_client a{1, 7};
    const home_client b{2, 7};

private:
    std::uint64_t made_ = 0;
};

TEST_F(HomeService, messages_that_are_not_confirmed_go_back_in_their_order) {
    const home_number ch = make(a, home_op::make_channel, 4);
    for (std::uint64_t n = 1; n <= 3; ++n) {
        const std::uint64_t message[] = {0, n};
        ask(a, n, home_op::send, ch, message);
        EXPECT_EQ(given.status(n), op_status::done);
    }
    for (std::uint64_t ticket = 11; ticket <= 13; ++ticket)
        ask(b, ticket, home_op::receive, ch);
    ask(b, 0, home_op::confirm, ch, 11);
    ask(a, 20, home_op::receive, ch);
    EXPECT_FALSE(given.has(20));
    service.ended(b);
    ask(a, 21, home_op::receive, ch);
    for (std::uint64_t i = 0; i < 2; ++i) {
        decoder in(given.given.at(20 + i).span().subspan(answer_head));
        EXPECT_EQ(take<std::uint64_t>(in), 0u);
        EXPECT_EQ(take<std::uint64_t>(in), 2 + i);
    }
}

TEST_F(HomeService, the_last_receiver_of_a_closed_channel_waits_for_what_is_in_hand) {
    const home_number ch = make(a, home_op::make_channel, 1);
    const std::uint64_t message[] = {0, 5};
    ask(a, 1, home_op::send, ch, message);
    ask(a, 2, home_op::receive, ch);
    ask(a, 0, home_op::close, ch);
    ask(b, 3, home_op::receive, ch);
    EXPECT_FALSE(given.has(3));
    ask(a, 0, home_op::confirm, ch, 2);
    ASSERT_TRUE(given.has(3));
    EXPECT_EQ(given.status(3), op_status::closed);
}

TEST_F(HomeService, a_stop_ends_a_wait_or_comes_too_late) {
    const home_number m = make(a, home_op::make_lock, 0);
    ask(a, 1, home_op::lock, m);
    EXPECT_EQ(given.status(1), op_status::done);
    ask(b, 2, home_op::lock, m);
    service.stop(b, 2);
    EXPECT_EQ(given.status(2), op_status::would_block);
    service.stop(b, 2);
    service.stop(a, 1);
    service.stop(a, 99);
    ask(b, 3, home_op::lock, m);
    ask(a, 0, home_op::unlock, m);
    EXPECT_EQ(given.status(3), op_status::done);
}

TEST_F(HomeService, all_of_a_lost_agent_is_given_up_and_of_no_other) {
    const home_number m = make(a, home_op::make_lock, 0);
    const home_number s = make(b, home_op::make_semaphore, 3);
    ask(b, 1, home_op::hold, m);
    ask(a, 2, home_op::lock, m);
    ask(a, 3, home_op::acquire, s, 2);
    ask(b, 4, home_op::lock, m);
    ask(b, 5, home_op::acquire, s, 3);
    service.node_ended(2 + 1);
    EXPECT_FALSE(given.has(4));
    service.node_ended(a.node);
    ASSERT_TRUE(given.has(4));
    EXPECT_EQ(given.value(4), 1u) << "the owner died";
    EXPECT_EQ(given.status(5), op_status::done);
}

TEST_F(HomeService, what_a_worker_does_not_have_it_cannot_return) {
    const home_number m = make(a, home_op::make_lock, 0);
    const home_number s = make(a, home_op::make_semaphore, 1);
    ask(a, 1, home_op::lock, m);
    ask(b, 2, home_op::hold, m);
    ask(b, 3, home_op::unlock, m);
    EXPECT_EQ(given.status(3), op_status::broken);
    ask(b, 4, home_op::try_lock, m);
    EXPECT_EQ(given.status(4), op_status::would_block);
    ask(b, 5, home_op::return_permits, s, 1);
    ask(b, 6, home_op::available, s);
    EXPECT_EQ(given.value(6), 1u);
    ask(b, 7, home_op::receive, m);  // a lock is no channel
    EXPECT_EQ(given.status(7), op_status::broken);
    ask(b, 8, home_op::send, 12345);
    EXPECT_EQ(given.status(8), op_status::broken);
}

TEST_F(HomeService, an_object_lives_as_long_as_a_handle_or_a_lock) {
    const home_number m = make(a, home_op::make_lock, 0);
    ask(a, 1, home_op::lock, m);
    ask(a, 0, home_op::release, m, 1);
    EXPECT_NE(domain->table()->find(m), nullptr);
    ask(a, 0, home_op::unlock, m);
    ask(a, 2, home_op::try_lock, m);
    EXPECT_EQ(given.status(2), op_status::broken);
    EXPECT_EQ(domain->table()->find(m), nullptr);
    const home_number ch = make(a, home_op::make_channel, 1);
    service.ended(a);
    EXPECT_EQ(domain->table()->find(ch), nullptr);
}

TEST_F(HomeService, any_bytes_are_read_as_a_request) {
    std::mt19937_64 random(5);
    for (int i = 0; i < 3; ++i)
        make(a, i == 0 ? home_op::make_channel : i == 1 ? home_op::make_lock : home_op::make_semaphore, 2);
    for (std::uint64_t ticket = 1; ticket <= 20'000; ++ticket) {
        byte_buffer request;
        put(request, static_cast<std::uint8_t>(random() % 32));
        put<std::uint64_t>(request, random() % 8);
        const std::size_t more = random() % 20;
        for (std::size_t n = 0; n < more; ++n)
            put(request, static_cast<std::uint8_t>(random() % 4 == 0 ? random() : random() % 3));
        service.request(random() % 2 == 0 ? a : b, random() % 4 == 0 ? 0 : ticket,
                        request.span().first(random() % 8 == 0 ? random() % request.size() : request.size()));
        if (random() % 64 == 0) service.ended(random() % 2 == 0 ? a : b);
        if (random() % 8 == 0) service.stop(a, random() % ticket);
    }
    service.ended(a);
    service.ended(b);
}

}  // namespace
