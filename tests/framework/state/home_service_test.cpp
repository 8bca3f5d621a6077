// The home of objects trusts no worker: requests are validated, and objects of a dead worker are recovered.

#include "framework/state/home_service_fixture.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace {

using namespace cadre::detail;
using home_service_tests::HomeService;

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
    std::vector<home_number> numbers{0, 1};
    for (const auto op : {home_op::make_channel, home_op::make_lock, home_op::make_semaphore, home_op::make_constant,
                          home_op::make_cell, home_op::make_shared_lock, home_op::make_condition})
        for (int i = 0; i < 2; ++i)
            numbers.push_back(make(a, op, 2));
    for (std::uint64_t ticket = 1; ticket <= 20'000; ++ticket) {
        byte_buffer request;
        put(request, static_cast<std::uint8_t>(random() % (static_cast<unsigned>(last_home_op) + 2)));
        put<std::uint64_t>(request, numbers[random() % numbers.size()]);
        const std::size_t more = random() % 20;
        for (std::size_t n = 0; n < more; ++n)
            put(request, static_cast<std::uint8_t>(random() % 4 == 0 ? random() : random() % 3));
        service.request(random() % 2 == 0 ? a : b, random() % 4 == 0 ? 0 : ticket,
                        request.span().first(random() % 8 == 0 ? random() % request.size() : request.size()));
        if (random() % 64 == 0) service.ended(b);
        if (random() % 8 == 0) service.stop(a, random() % ticket);
    }
    service.ended(a);
    service.ended(b);
}

TEST_F(HomeService, a_worker_that_only_sends_is_refused_at_its_limit) {
    const home_number ch = make(a, home_op::make_channel, max_channel_capacity);
    const std::vector<std::uint64_t> message(1 + 1000);  // carries no handles
    std::uint64_t sent = 0;
    const auto send = [&](home_client from) {
        ask(from, ++last_, home_op::send, ch, message);
        return given.status(last_);
    };
    while (send(a) == op_status::done)
        ASSERT_LE(++sent * 8000, limits.bytes_of_worker);
    EXPECT_EQ(given.status(last_), op_status::exhausted);
    EXPECT_GE(sent, 100u);
    EXPECT_EQ(send(b), op_status::done) << "other workers have memory left";
    // What somebody has received, and confirmed, counts no more.
    ask(b, 1, home_op::receive, ch);
    EXPECT_EQ(send(a), op_status::exhausted);
    ask(b, 0, home_op::confirm, ch, 1);
    EXPECT_EQ(send(a), op_status::done);
    while (send(b) == op_status::done)
        ASSERT_LE(++sent * 8000, limits.bytes_of_all);
    ask({3, 1}, ++last_, home_op::make_constant, 0, 900'000);
    EXPECT_EQ(given.status(last_), op_status::exhausted) << "the limit of all workers";
}

TEST_F(HomeService, a_worker_that_only_waits_or_makes_objects_is_refused_at_its_limit) {
    const home_number ch = make(b, home_op::make_channel, 1);
    std::uint64_t begun = 0;
    for (;; ++begun) {
        ask(a, ++last_, home_op::receive, ch);
        if (given.has(last_)) break;
        ASSERT_LT(begun, 10'000u);
    }
    EXPECT_EQ(given.status(last_), op_status::exhausted);
    service.ended(a);
    for (begun = 0;; ++begun) {
        ask(a, ++last_, home_op::make_lock, 0);
        if (given.status(last_) != op_status::done) break;
        // It keeps no handle, but pretends that bytes which own the lock are on their way.
        const home_number made = given.value(last_);
        ask(a, 0, home_op::begin_transit, made);
        ask(a, 0, home_op::release, made, 1);
        ASSERT_LT(begun, 10'000u);
    }
    EXPECT_EQ(given.status(last_), op_status::exhausted);
    EXPECT_GT(begun, 100u);
    ask(b, ++last_, home_op::make_lock, 0);
    EXPECT_EQ(given.status(last_), op_status::done);
}

TEST_F(HomeService, a_node_cannot_invent_workers_without_end) {
    for (std::uint64_t worker = 1; worker <= limits.workers_of_node; ++worker)
        make({5, worker}, home_op::make_lock, 0);
    ask({5, 99}, 1, home_op::make_lock, 0);
    EXPECT_EQ(given.status(1), op_status::exhausted);
    ask({6, 99}, 2, home_op::make_lock, 0);
    EXPECT_EQ(given.status(2), op_status::done);
    service.ended({5, 1});
    ask({5, 99}, 3, home_op::make_lock, 0);
    EXPECT_EQ(given.status(3), op_status::done);
    service.node_ended(5);
    for (std::uint64_t worker = 1; worker <= limits.workers_of_node; ++worker)
        make({5, worker}, home_op::make_lock, 0);
}

TEST_F(HomeService, an_operation_that_ends_does_not_end_another_with_its_ticket) {
    const home_number m = make(b, home_op::make_lock, 0);
    const home_number ch = make(b, home_op::make_channel, 1);
    ask(b, 1, home_op::lock, m);
    // The worker ends while it is answered, and another one with its name waits with the same ticket.
    given.then = [&] {
        service.ended(a);
        given.given.erase(5);
        ask(a, 5, home_op::lock, m);
    };
    ask(a, 5, home_op::try_receive, ch);
    EXPECT_FALSE(given.has(5));
    ask(b, 0, home_op::unlock, m);
    ASSERT_TRUE(given.has(5));
    EXPECT_EQ(given.status(5), op_status::done);
    ask(a, 6, home_op::unlock, m);
    EXPECT_FALSE(given.has(6)) << "it has the lock";
}

TEST_F(HomeService, only_who_has_decoded_bytes_ends_their_transit) {
    const home_number m = make(a, home_op::make_lock, 0);
    EXPECT_GT(m, 1'000'000u) << "numbers are not guessed";
    ask(a, 0, home_op::begin_transit, m);
    ask(a, 0, home_op::release, m, 1);
    ask(b, 1, home_op::end_transit, m);
    EXPECT_EQ(given.status(1), op_status::broken);
    ASSERT_NE(domain->table()->find(m), nullptr);
    ask(b, 0, home_op::hold, m);
    ask(b, 0, home_op::end_transit, m);
    ask(b, 0, home_op::release, m, 1);
    EXPECT_EQ(domain->table()->find(m), nullptr);
}

TEST_F(HomeService, nothing_of_what_was_used_stays_counted) {
    // Each round uses a twentieth of the limit.
    const std::vector<std::uint64_t> message(5000, 0);
    for (std::uint64_t round = 0; round < 200; ++round) {
        const home_number ch = make(a, home_op::make_channel, 2);
        const home_number m = make(a, home_op::make_lock, 0);
        const home_number c = make(a, home_op::make_constant, 8);
        ask(a, ++last_, home_op::fill, c, 1);
        const std::uint64_t parked = ++last_;
        ask(b, parked, home_op::receive, ch);
        for (int i = 0; i < 2; ++i) {
            ask(a, ++last_, home_op::send, ch, message);
            ASSERT_EQ(given.status(last_), op_status::done) << round;
        }
        const std::uint64_t taken = ++last_;
        ask(b, taken, home_op::try_receive, ch);
        ASSERT_EQ(given.status(taken), op_status::done) << round;
        ask(b, 0, round % 2 == 0 ? home_op::confirm : home_op::give_back, ch, parked);
        ask(b, ++last_, home_op::lock, m);
        const std::uint64_t waits = ++last_;
        ask(a, waits, home_op::lock, m);
        ASSERT_FALSE(given.has(waits));
        if (round % 3 == 0) service.stop(a, waits);
        ask(b, 0, home_op::hold, c);
        ask(a, 0, home_op::begin_transit, c);
        ask(b, 0, home_op::end_transit, c);
        round % 5 == 0 ? service.node_ended(b.node) : service.ended(b);
        if (round % 3 != 0) ask(a, 0, home_op::unlock, m);
        if (round % 7 == 0)
            service.ended(a);
        else
            for (const home_number n : {ch, m, c})
                ask(a, 0, home_op::release, n, 1);
        EXPECT_EQ(domain->table()->find(ch), nullptr);
        EXPECT_EQ(domain->table()->find(m), nullptr);
        EXPECT_EQ(domain->table()->find(c), nullptr);
        given.given.clear();
    }
    // As much as at the beginning.
    const home_number left = make(a, home_op::make_constant, 998'000);
    EXPECT_NE(left, 0u);
}

TEST_F(HomeService, a_constant_with_a_wrong_part_fails_as_a_whole) {
    const home_number c = make(a, home_op::make_constant, 16);
    const std::uint64_t three[] = {1, 2, 3};
    ask(a, 0, home_op::fill, c, 1);
    ask(a, 0, home_op::fill, c, three);  // nobody is told
    ask(a, 1, home_op::fill, c, 2);
    EXPECT_EQ(given.status(1), op_status::exhausted);
    ask(a, 2, home_op::fetch, c, 0);
    EXPECT_EQ(given.status(2), op_status::exhausted);
    const home_number short_of_one = make(a, home_op::make_constant, 16);
    ask(a, 6, home_op::fill, short_of_one, 1);  // the last part, and the first has not arrived
    EXPECT_EQ(given.status(6), op_status::exhausted);
    ask(b, 7, home_op::fetch, short_of_one, 0);
    EXPECT_EQ(given.status(7), op_status::exhausted);
    const home_number whole = make(a, home_op::make_constant, 16);
    ask(a, 0, home_op::fill, whole, 1);
    ask(a, 3, home_op::fill, whole, 2);
    EXPECT_EQ(given.status(3), op_status::done);
    ask(b, 4, home_op::fill, whole, 3);
    EXPECT_EQ(given.status(4), op_status::broken);
    ask(b, 5, home_op::fetch, whole, 0);
    EXPECT_EQ(given.value(5), 1u);
}

}  // namespace
