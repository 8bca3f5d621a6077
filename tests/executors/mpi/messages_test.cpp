// Outbox and inbox without MPI: order, pieces, bounds, ranks that are gone, and messages that no program of this build
// sends.

#include "executors/mpi/fake_mpi.hpp"
#include "mpi/inbox.hpp"
#include "mpi/outbox.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

using cadre::detail::mpi::inbox;
using cadre::detail::mpi::large_header;
using cadre::detail::mpi::max_body;
using cadre::detail::mpi::message_kind;
using cadre::detail::mpi::outbox;
using cadre::detail::mpi::piece_size;
using fake_mpi::buffer_of;
using fake_mpi::bytes_of;
using fake_mpi::text_of;

constexpr int tag_of(message_kind kind) { return static_cast<int>(kind); }

std::string pattern(std::size_t size) {
    std::string result(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        result[i] = static_cast<char>(i * 7 + (i >> 16));
    return result;
}

class MpiMessages : public testing::Test {
protected:
    MpiMessages() { fake_mpi::now = {}; }

    // As if rank 1 had received and sent on everything.
    static void loop_back() {
        for (auto& sent : fake_mpi::now.sent)
            fake_mpi::now.arriving.push_back(sent);
        fake_mpi::now.sent.clear();
    }

    // The results of receiving everything that has arrived.
    std::vector<inbox::result> receive_all() {
        std::vector<inbox::result> results;
        while (!fake_mpi::now.arriving.empty()) {
            results.push_back(in.receive());
            if (results.back() == inbox::result::refused) break;
        }
        return results;
    }

    void arrives(message_kind kind, std::string bytes, int from = 1) {
        fake_mpi::now.arriving.push_back({from, tag_of(kind), std::move(bytes)});
    }

    outbox out{fake_mpi::functions, 3};
    inbox in{fake_mpi::functions, 3};
};

TEST_F(MpiMessages, bodies_of_all_sizes_arrive_in_order) {
    const std::vector<std::size_t> sizes{0, 1, 48, 49, piece_size - 1, piece_size, piece_size + 1, 5 * piece_size, 7};
    for (const std::size_t size : sizes)
        out.add(1, message_kind::work, buffer_of(pattern(size)));
    while (out.advance()) {
    }
    EXPECT_TRUE(out.empty());
    loop_back();
    std::size_t next = 0;
    while (!fake_mpi::now.arriving.empty()) {
        const inbox::result got = in.receive();
        if (got == inbox::result::message) {
            ASSERT_LT(next, sizes.size());
            EXPECT_EQ(in.kind, message_kind::work);
            EXPECT_TRUE(text_of(in.body) == pattern(sizes[next++]));
        } else {
            ASSERT_EQ(got, inbox::result::part);
        }
    }
    EXPECT_EQ(next, sizes.size());
    EXPECT_EQ(in.receive(), inbox::result::nothing);
}

TEST_F(MpiMessages, few_sends_are_open_at_once) {
    fake_mpi::now.sends_end = false;
    for (int i = 0; i < 100; ++i) {
        out.add(1, message_kind::message, buffer_of("x"));
        out.add(2, message_kind::message, buffer_of(pattern(3 * piece_size)));
    }
    while (out.advance()) {
    }
    EXPECT_EQ(fake_mpi::now.open_sends(), 16U) << "eight to each";
    fake_mpi::now.sends_end = true;
    while (out.advance())
        EXPECT_LE(fake_mpi::now.open_sends(), 16U);
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(fake_mpi::now.sent.size(), 100U + 100U * 4U);
}

TEST_F(MpiMessages, work_that_a_lost_rank_had_not_seen_comes_back) {
    fake_mpi::now.sends_end = false;
    out.add(1, message_kind::work, buffer_of(pattern(20 * piece_size)));
    out.add(1, message_kind::work, buffer_of("b"));
    out.add(1, message_kind::message, buffer_of("c"));
    out.add(1, message_kind::work, buffer_of("d"));
    out.advance();
    const auto unseen = out.drop(1);
    ASSERT_EQ(unseen.size(), 2U);
    EXPECT_EQ(text_of(unseen[0]), "b");
    EXPECT_EQ(text_of(unseen[1]), "d");
    // MPI gives up the sends that were open.
    fake_mpi::now.sends_end = true;
    out.advance();
    EXPECT_TRUE(out.empty());
    out.add(1, message_kind::work, buffer_of("dropped"));
    EXPECT_TRUE(out.empty());
}

TEST_F(MpiMessages, a_send_that_fails_names_the_rank) {
    fake_mpi::now.failing_rank = 2;
    out.add(1, message_kind::message, buffer_of("x"));
    out.add(2, message_kind::message, buffer_of("x"));
    out.advance();
    EXPECT_EQ(out.take_failed(), std::vector<int>{2});
    EXPECT_TRUE(out.take_failed().empty());
    EXPECT_TRUE(out.empty());
}

TEST_F(MpiMessages, large_bodies_of_several_ranks_arrive_side_by_side) {
    const std::string body = pattern(piece_size + 2);
    for (const int from : {1, 2}) {
        arrives(message_kind::large,
                bytes_of(large_header{.size = body.size(),
                                      .kind = static_cast<std::uint64_t>(tag_of(message_kind::message))}),
                from);
    }
    for (const int from : {1, 2})
        arrives(message_kind::piece, body.substr(0, piece_size), from);
    for (const int from : {2, 1})
        arrives(message_kind::piece, body.substr(piece_size), from);
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(in.receive(), inbox::result::part);
    for (const int from : {2, 1}) {
        EXPECT_EQ(in.receive(), inbox::result::message);
        EXPECT_EQ(in.from, from);
        EXPECT_TRUE(text_of(in.body) == body);
    }
}

struct hostile_case {
    const char* name;
    std::vector<fake_mpi::message> messages;
};

class MpiHostileMessages : public MpiMessages, public testing::WithParamInterface<hostile_case> {};

TEST_P(MpiHostileMessages, are_refused) {
    for (const fake_mpi::message& m : GetParam().messages)
        fake_mpi::now.arriving.push_back(m);
    EXPECT_EQ(receive_all().back(), inbox::result::refused);
}

std::string header(std::uint64_t size, message_kind kind) {
    return bytes_of(large_header{.size = size, .kind = static_cast<std::uint64_t>(tag_of(kind))});
}

INSTANTIATE_TEST_SUITE_P(
    all, MpiHostileMessages,
    testing::Values(hostile_case{"tag_zero", {{1, 0, "x"}}}, hostile_case{"tag_unknown", {{1, 77, "x"}}},
                    hostile_case{"from_nobody", {{-1, 2, "x"}}}, hostile_case{"from_outside", {{3, 2, "x"}}},
                    hostile_case{"too_long", {{1, 2, std::string(piece_size + 1, 'x')}}},
                    hostile_case{"piece_without_header", {{1, tag_of(message_kind::piece), "x"}}},
                    hostile_case{"short_header", {{1, tag_of(message_kind::large), "x"}}},
                    hostile_case{"header_of_a_small_body",
                                 {{1, tag_of(message_kind::large), header(piece_size, message_kind::work)}}},
                    hostile_case{"header_beyond_the_bound",
                                 {{1, tag_of(message_kind::large), header(max_body + 1, message_kind::work)}}},
                    hostile_case{"header_of_no_body",
                                 {{1, tag_of(message_kind::large), header(2 * piece_size, message_kind::bye)}}},
                    hostile_case{"two_headers",
                                 {{1, tag_of(message_kind::large), header(2 * piece_size, message_kind::work)},
                                  {1, tag_of(message_kind::large), header(2 * piece_size, message_kind::work)}}},
                    hostile_case{"message_between_pieces",
                                 {{1, tag_of(message_kind::large), header(2 * piece_size, message_kind::work)},
                                  {1, tag_of(message_kind::message), "x"}}},
                    hostile_case{"empty_piece",
                                 {{1, tag_of(message_kind::large), header(2 * piece_size, message_kind::work)},
                                  {1, tag_of(message_kind::piece), ""}}},
                    hostile_case{"pieces_beyond_the_size",
                                 {{1, tag_of(message_kind::large), header(piece_size + 1, message_kind::work)},
                                  {1, tag_of(message_kind::piece), std::string(piece_size, 'x')},
                                  {1, tag_of(message_kind::piece), "xx"}}}),
    [](const auto& p) { return p.param.name; });

}  // namespace
