// Answers about shared objects that a worker does not read do not fill the memory of its parent.

#include "process/parent/worker_link.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace {

using cadre::detail::process_parent::worker_link;

TEST(UnreadAnswers, only_so_many_bytes_wait_for_a_worker) {
    worker_link link(std::uint64_t{8} << 20);
    const std::vector<std::byte> large(std::size_t{4} << 20, std::byte{1});
    const std::size_t enough = worker_link::max_waiting_answer_bytes / large.size() + 20;
    std::uint64_t ticket = 0;
    for (std::size_t i = 0; i != enough; ++i)
        ASSERT_TRUE(link.answer(++ticket, large));
    const std::size_t waiting = link.waiting_answers();
    EXPECT_GT(waiting, worker_link::max_waiting_answer_bytes / large.size()) << "each is answered";
    EXPECT_GT(link.waiting_answer_bytes(), worker_link::max_waiting_answer_bytes - large.size());
    EXPECT_LE(link.waiting_answer_bytes(), worker_link::max_waiting_answer_bytes + waiting);
    const std::vector<std::byte> small(100, std::byte{1});
    const std::size_t before = link.waiting_answer_bytes();
    ASSERT_TRUE(link.answer(++ticket, small));
    EXPECT_EQ(link.waiting_answer_bytes(), before + small.size());
}

TEST(UnreadAnswers, an_answer_that_cannot_be_sent_becomes_exhausted) {
    worker_link link(std::uint64_t{8} << 20);
    const std::vector<std::byte> beyond((std::size_t{4} << 20) + 1, std::byte{1});
    ASSERT_TRUE(link.answer(1, beyond));
    EXPECT_EQ(link.waiting_answers(), 0u) << "one byte finds room";
}

}  // namespace
