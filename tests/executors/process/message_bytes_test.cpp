// `message_bytes` between processes: not copied, and freed whichever process dies.

#include "support.hpp"

#include <cadre/errors.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/message_bytes.hpp>
#include <cadre/select.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::message_bytes;
using cadre::process_executor;
using cadre::task;
using frames = cadre::channel<message_bytes>;

constexpr std::size_t megabyte = std::size_t{1} << 20;

task<void> return_one(frames in, frames out) {
    auto m = co_await in.receive();
    m.value()[0] = std::byte{7};
    co_await out.send(std::move(*m));
}

TEST(process_message_bytes, are_the_same_memory_in_every_process) {
    const process_executor ex{{.workers = 1}};
    run(
        [](executor e) -> task<void> {
            const frames there{e, 1};
            const frames back{e, 1};
            message_bytes m{e, megabyte};
            const std::byte* const address = m.data();
            auto worker = cadre::spawn(e, return_one, there, back);
            co_await there.send(std::move(m));
            EXPECT_TRUE(m.empty());
            auto returned = co_await back.receive();
            EXPECT_EQ(returned.value().data(), address);
            EXPECT_EQ((*returned)[0], std::byte{7});
            co_await worker;
        },
        executor(ex));
}

TEST(process_message_bytes, that_are_on_the_heap_are_copied_once) {
    const process_executor ex{{.workers = 1}};
    const cadre::thread_executor local{{.workers = 1}};
    run(
        [](executor e, executor heap) -> task<void> {
            const frames ch{e, 4};
            message_bytes m{heap, 5'000};
            m[4'999] = std::byte{1};
            co_await ch.send(std::move(m));
            EXPECT_TRUE(m.empty());
            auto received = co_await ch.receive();
            EXPECT_EQ(received.value()[4'999], std::byte{1});
            // Through a channel of this process the memory stays what it is.
            const frames inside{heap, 1};
            const std::byte* const address = received->data();
            co_await inside.send(std::move(*received));
            auto again = co_await inside.receive();
            EXPECT_EQ(again.value().data(), address);
        },
        executor(ex), executor(local));
}

task<void> hold_and_sleep(frames in, cadre::channel<int> holding) {
    std::vector<message_bytes> held;
    for (int i = 0; i != 4; ++i)
        held.push_back((co_await in.receive()).value());
    co_await holding.send(1);
    co_await cadre::sleep_for(60s);
}

// Each round a worker dies with four messages.
TEST(process_message_bytes, of_a_dead_receiver_are_free_again) {
    const process_executor ex{{.workers = 1}};
    run(
        [](executor e) -> task<void> {
            const frames ch{e, 4};
            const cadre::channel<int> holding{e, 1};
            for (int round = 0; round != 20; ++round) {
                for (int i = 0; i != 4; ++i) {
                    message_bytes m{e, megabyte};
                    std::memset(m.data(), round, m.size());
                    co_await ch.send(std::move(m));
                }
                auto worker = cadre::spawn(e, hold_and_sleep, ch, holding);
                (void)co_await holding.receive();
                ::kill(worker.worker_pid(), SIGKILL);
                EXPECT_THROW(co_await worker, cadre::worker_error);
            }
            // What was freed is allocated again: no address is new.
            std::vector<const std::byte*> seen;
            for (int i = 0; i != 64; ++i) {
                const message_bytes m{e, megabyte};
                seen.push_back(m.data());
            }
            std::ranges::sort(seen);
            const auto end = std::ranges::unique(seen).begin();
            EXPECT_LE(end - seen.begin(), 8);
        },
        executor(ex));
}

task<void> send_and_die(executor e, frames out) {
    message_bytes m{e, megabyte};
    m[9] = std::byte{9};
    co_await out.send(std::move(m));
    const message_bytes kept{e, megabyte};
    ::raise(SIGKILL);
}

TEST(process_message_bytes, of_a_dead_sender_are_received_and_forwarded) {
    const process_executor ex{{.workers = 2}};
    run(
        [](executor e) -> task<void> {
            const frames ch{e, 4};
            const frames back{e, 4};
            EXPECT_THROW(co_await cadre::on(e, send_and_die, e, ch), cadre::worker_crashed);
            co_await cadre::when_all(cadre::on(e, return_one, ch, back), [](frames in) -> task<void> {
                auto m = co_await in.receive();
                EXPECT_EQ(m.value()[9], std::byte{9});
                EXPECT_EQ((*m)[0], std::byte{7});
            }(back));
        },
        executor(ex));
}

constexpr std::uint8_t forwarded = 40;  // messages of a round; each is filled with its number

task<void> forward_all(frames in, frames out) {
    for (;;) {
        auto m = co_await in.receive();
        if (!m) break;
        co_await out.send(std::move(*m));
    }
    out.close();
}

task<void> send_numbers(executor e, frames out, std::size_t size) {
    for (std::uint8_t i = 0; i != forwarded; ++i) {
        message_bytes m{e, size};
        std::memset(m.data(), i, size);
        co_await out.send(std::move(m));
    }
    out.close();
}

// Kills the worker that forwards after `before` messages, and lets another one forward the rest.
task<void> receive_numbers(executor e, frames in, frames out, int before) {
    const auto first = cadre::spawn(e, forward_all, in, out);
    std::optional<cadre::job<void>> second;
    int received = 0;
    int last = -1;
    for (;;) {
        auto m = co_await out.receive();
        if (!m) break;
        const std::byte number = (*m)[0];
        EXPECT_EQ(std::ranges::count(*m, number), std::ssize(*m));
        EXPECT_GT(static_cast<int>(number), last) << "twice, or overtaken";
        last = static_cast<int>(number);
        if (++received != before) continue;
        ::kill(first.worker_pid(), SIGKILL);
        EXPECT_THROW(co_await first, cadre::worker_error);
        second.emplace(cadre::spawn(e, forward_all, in, out));
    }
    if (second) co_await *second;
    EXPECT_GE(received, forwarded - 1) << "more is lost than the one that the dead worker held";
}

TEST(process_message_bytes, that_a_worker_forwards_until_it_is_killed) {
    const process_executor ex{{.workers = 1}};
    run(
        [](executor e) -> task<void> {
            for (int round = 0; round != 60; ++round) {
                const frames in{e, 4};
                const frames out{e, 4};
                const std::size_t size = round % 2 == 0 ? 200 : 40'000;
                co_await cadre::when_all(send_numbers(e, in, size), receive_numbers(e, in, out, 1 + round / 3));
            }
        },
        executor(ex));
}

// The pages of a large message of which a sender has written nothing can be read.
TEST(process_message_bytes, that_were_not_written_can_be_sent) {
    const process_executor ex{{.workers = 1}};
    run(
        [](executor e) -> task<void> {
            const frames ch{e, 1};
            co_await ch.send(message_bytes(e, 8 * megabyte));
            auto m = co_await ch.receive();
            EXPECT_EQ(m.value().size(), 8 * megabyte);
        },
        executor(ex));
}

TEST(process_message_bytes, of_an_executor_that_has_shut_down_cannot_be_made) {
    executor ex = process_executor{{.workers = 1}};
    message_bytes before{ex, megabyte};
    cadre::sync_wait(ex.shutdown(1s));
    EXPECT_THROW(message_bytes(ex, 1), cadre::executor_stopped);
    before[0] = std::byte{1};  // what exists stays usable
}

}  // namespace
