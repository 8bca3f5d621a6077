// Cells at home: the home believes no worker.

#include "framework/state/home_service_fixture.hpp"

#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/state/block_operation.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <thread>

namespace {

using namespace cadre::detail;
using home_service_tests::HomeService;

TEST_F(HomeService, the_lock_of_a_cell_brings_its_bytes_and_takes_changes_back) {
    const home_number c = make(a, home_op::make_cell, 16);
    ask(a, 1, home_op::write, c, 5);
    ask(a, 2, home_op::lock, c);
    EXPECT_EQ(given.given.at(2).size(), answer_head + 8 + 16);
    ask(b, 3, home_op::hold, c);
    ask(b, 4, home_op::lock, c);
    EXPECT_FALSE(given.has(4));
    ask(b, 5, home_op::unlock, c);
    EXPECT_EQ(given.status(5), op_status::broken);
    const std::uint64_t change[] = {8, 6};
    ask(a, 0, home_op::unlock, c, change);
    ASSERT_TRUE(given.has(4));
    decoder in(given.given.at(4).span().subspan(answer_head));
    EXPECT_EQ(take<std::uint64_t>(in), 0u);
    EXPECT_EQ(take<std::uint64_t>(in), 5u);
    EXPECT_EQ(take<std::uint64_t>(in), 6u);
    ask(b, 0, home_op::undo_lock, c, 3);
    ask(a, 6, home_op::try_lock, c);
    EXPECT_EQ(given.status(6), op_status::would_block) << "another request has the lock";
    ask(b, 0, home_op::undo_lock, c, 4);
    const std::uint64_t beyond[] = {~std::uint64_t{0}, 6};
    ask(a, 7, home_op::try_lock, c);
    EXPECT_EQ(given.status(7), op_status::done);
    ask(a, 8, home_op::unlock, c, beyond);
    EXPECT_EQ(given.status(8), op_status::broken);
    ask(b, 9, home_op::try_lock, c);
    EXPECT_EQ(given.status(9), op_status::done) << "it is unlocked nevertheless";
}

TEST_F(HomeService, a_worker_names_only_operations_on_cells) {
    const home_number c = make(a, home_op::make_cell, 8);
    const auto name = [&](std::uint64_t ticket, home_op op, cell_function function, std::size_t state) {
        byte_buffer request;
        put(request, op);
        put(request, c);
        encoder out(request);
        encode(out, function);
        for (std::size_t i = 0; i != state; ++i)
            put<std::uint8_t>(request, 1);
        service.request(a, ticket, request.span());
    };
    std::uint64_t ticket = 0;
    for (const home_op op : {home_op::try_cell, home_op::wait_cell}) {
        name(++ticket, op, [](shared_block&, std::span<std::byte>, bool) noexcept { return op_status::done; }, 8);
        EXPECT_EQ(given.status(ticket), op_status::broken) << "any function";
        name(++ticket, op, cell_name<word_value>::function(), 7);
        EXPECT_EQ(given.status(ticket), op_status::broken) << "a state of another size";
        name(++ticket, op, cell_name<word_value>::function(), 8);
        EXPECT_EQ(given.status(ticket), op_status::done);
    }
    for (const std::uint64_t size : {std::uint64_t{0}, max_cell + 1}) {
        ask(a, ++ticket, home_op::make_cell, 0, size);
        EXPECT_EQ(given.status(ticket), op_status::broken);
    }
}

TEST_F(HomeService, no_atomic_read_sees_a_part_of_a_change) {
    const auto block = domain->make_cell(20, 8);
    auto& cell = dynamic_cast<home_cell&>(*block);
    const std::atomic<std::uint64_t>& word = block_word(*block, 1);
    std::uint64_t partial = 0;
    {
        const std::jthread writer([&](const std::stop_token& stop) {
            std::array<std::byte, 15> change{};
            do {
                change.fill(~change[0]);
                EXPECT_TRUE(cell.write(5, change));  // and parts of the words around it
            } while (!stop.stop_requested() || change[0] != std::byte{0});
        });
        while (word.load() == 0) {
        }
        for (int i = 0; i != 100'000; ++i)
            if (const std::uint64_t now = word.load(); now != 0 && now != ~std::uint64_t{0}) partial = now;
    }
    EXPECT_EQ(partial, 0u);
    EXPECT_TRUE(cell.write(0, std::array{std::byte{1}}));
    EXPECT_TRUE(cell.write(19, std::array{std::byte{2}}));
    EXPECT_FALSE(cell.write(20, std::array{std::byte{3}}));
    byte_buffer all;
    cell.read(all);
    ASSERT_EQ(all.size(), 20u);
    EXPECT_EQ(all.span()[0], std::byte{1});
    EXPECT_EQ(all.span()[18], std::byte{0});
    EXPECT_EQ(all.span()[19], std::byte{2});
}

}  // namespace
