// Channels, mutexes and semaphores of an executor of several hosts, over a simulated engine with worker processes.

#include "executors/node/process_hosts.hpp"

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using cadre::async_mutex;
using cadre::async_semaphore;
using cadre::channel;
using cadre::executor;
using cadre::on;
using cadre::sync_wait;
using cadre::task;
using cadre::timeout;
using cadre::when_all;

using simulated::soon;

struct note {
    std::string text{};
    std::vector<int> numbers{};
};

task<void> send_numbers(channel<int> to, int from, int until) {
    for (int n = from; n < until; ++n)
        co_await to.send(n);
}

task<std::int64_t> add_until_closed(channel<int> from) {
    std::int64_t sum = 0;
    for (;;) {
        const std::optional<int> n = co_await from.receive();
        if (!n) co_return sum;
        sum += *n;
    }
}

task<void> answer(channel<note> questions, channel<note> answers) {
    for (;;) {
        std::optional<note> question = co_await questions.receive();
        if (!question) break;
        question->text += '!';
        co_await answers.send(std::move(*question));
    }
    answers.close();
}

task<int> receive_one(channel<int> from) {
    const std::optional<int> n = co_await from.receive();
    co_return n.value_or(-1);
}

class HomeObjects : public simulated::process_hosts_test {};
INSTANTIATE_TEST_SUITE_P(redelivering_and_local, HomeObjects, simulated::redelivering_and_local());

TEST_P(HomeObjects, a_channel_joins_the_workers_of_all_hosts) {
    const channel<int> ch{ex, 4};
    const auto sum = sync_wait([](executor e, channel<int> c) -> task<std::int64_t> {
        auto produce = [](executor on_this, channel<int> to) -> task<int> {
            co_await when_all(on(on_this, send_numbers, to, 0, 100), on(on_this, send_numbers, to, 100, 200),
                              send_numbers(to, 200, 220));
            to.close();
            co_return 0;
        };
        auto [done, far, here] = co_await when_all(produce(e, c), on(e, add_until_closed, c), add_until_closed(c));
        co_return far + here;
    }(ex, ch));
    EXPECT_EQ(sum, 219 * 220 / 2);
}

TEST_P(HomeObjects, messages_of_any_size_keep_their_order) {
    const channel<note> questions{ex, 2};
    const channel<note> answers{ex, 2};
    const int checked = sync_wait([](executor e, channel<note> q, channel<note> a) -> task<int> {
        auto ask = [](channel<note> to) -> task<int> {
            for (int i = 0; i < 12; ++i) {
                note n;
                n.text = std::to_string(i);
                n.numbers.resize(i % 5 == 0 ? 300'000 : 3, i);
                co_await to.send(std::move(n));
            }
            to.close();
            co_return 0;
        };
        auto check = [](channel<note> from) -> task<int> {
            for (int i = 0;; ++i) {
                const std::optional<note> n = co_await from.receive();
                if (!n) co_return i;
                EXPECT_EQ(n->text, std::to_string(i) + "!");
                EXPECT_EQ(n->numbers.back(), i);
                EXPECT_EQ(n->numbers.size(), i % 5 == 0 ? 300'000u : 3u);
            }
        };
        auto [asked, answered, count] = co_await when_all(ask(q), on(e, answer, q, a), check(a));
        co_return count;
    }(ex, questions, answers));
    EXPECT_EQ(checked, 12);
}

task<std::string> use_without_waiting(channel<int> ch) {
    if (ch.capacity() != 2 || ch.size() != 0 || ch.closed()) co_return "a new channel";
    if (ch.try_receive()) co_return "received from nobody";
    if (!ch.try_send(1) || !ch.try_send(2)) co_return "not sent";
    if (ch.try_send(3)) co_return "sent beyond the capacity";
    if (ch.size() != 2) co_return "size";
    if (ch.try_receive() != 1) co_return "not received";
    ch.close();
    if (!ch.closed() || ch.try_send(4)) co_return "not closed";
    try {
        co_await ch.send(5);
        co_return "sent after close";
    } catch (const cadre::channel_closed&) {
    }
    const std::vector<int> rest = co_await ch.receive_many(5);
    if (rest != std::vector{2}) co_return "what was sent before close";
    const std::optional<int> end = co_await ch.receive();
    co_return end ? "received after the end" : "";
}

TEST_P(HomeObjects, operations_that_do_not_wait_work_in_workers) {
    const channel<int> ch{ex, 2};
    EXPECT_EQ(sync_wait(on(ex, use_without_waiting, ch)), "");
}

task<std::string> wait_in_vain(channel<int> empty, channel<int> full, async_mutex locked, async_semaphore none) {
    const auto cancelled = [](auto operation) -> task<bool> {
        try {
            static_cast<void>(co_await timeout(10ms, std::move(operation)));
        } catch (const cadre::timed_out&) {
            co_return true;
        }
        co_return false;
    };
    const auto send = [](channel<int> to) -> task<int> {
        co_await to.send(2);
        co_return 0;
    };
    if (const bool ended = co_await cancelled(empty.receive()); !ended) co_return "receive";
    if (const bool ended = co_await cancelled(send(full)); !ended) co_return "send";
    if (const bool ended = co_await cancelled(locked.lock()); !ended) co_return "lock";
    if (const bool ended = co_await cancelled(none.acquire()); !ended) co_return "acquire";
    co_return "";
}

TEST_P(HomeObjects, a_wait_that_was_stopped_has_taken_nothing) {
    const channel<int> empty{ex, 1};
    const channel<int> full{ex, 1};
    const async_mutex locked{ex};
    const async_semaphore none{ex, 0};
    ASSERT_TRUE(full.try_send(1));
    auto guard = locked.try_lock();
    ASSERT_TRUE(guard);
    EXPECT_EQ(sync_wait(on(ex, wait_in_vain, empty, full, locked, none)), "");
    EXPECT_TRUE(empty.try_send(7));
    EXPECT_EQ(empty.try_receive(), 7);
    EXPECT_EQ(full.try_receive(), 1);
    EXPECT_EQ(full.try_receive(), std::nullopt);
    guard->unlock();
    EXPECT_TRUE(locked.try_lock());
    none.release(1);
    EXPECT_EQ(none.available(), 1u);
}

task<void> reply_through(channel<channel<int>> inbox, int value) {
    std::optional<channel<int>> to = co_await inbox.receive();
    co_await to->send(value);
}

task<channel<int>> make_channel_in_a_worker(int first) {
    const executor here = co_await cadre::this_task::executor();
    const channel<int> made{here, 3};
    static_cast<void>(made.try_send(first));
    co_return made;
}

TEST_P(HomeObjects, handles_travel_in_messages_and_results) {
    const channel<channel<int>> inbox{ex, 1};
    {
        const channel<int> reply{ex, 1};
        ASSERT_TRUE(inbox.try_send(reply));
        sync_wait(on(ex, reply_through, inbox, 42));
        EXPECT_EQ(reply.try_receive(), 42);
    }
    const channel<int> made = sync_wait(on(ex, make_channel_in_a_worker, 5));
    EXPECT_EQ(made.capacity(), 3u);
    EXPECT_EQ(made.try_receive(), 5);
    EXPECT_TRUE(made.try_send(6));
    EXPECT_EQ(sync_wait(on(ex, receive_one, made)), 6);
}

task<int> select_one(channel<int> a, channel<int> b, async_mutex m) {
    int sum = 0;
    for (int i = 0; i < 20; ++i) {
        auto chosen = co_await cadre::select(a.receive(), b.receive());
        sum += chosen.index() == 0 ? get<0>(chosen).value_or(1000) : get<1>(chosen).value_or(1000);
    }
    auto locked = co_await cadre::select(a.receive(), m.lock());
    co_return locked.index() == 1 ? sum : -1;
}

TEST_P(HomeObjects, a_select_performs_one_operation) {
    const channel<int> a{ex, 1};
    const channel<int> b{ex, 1};
    const async_mutex m{ex};
    const int sum = sync_wait([](executor e, channel<int> x, channel<int> y, async_mutex mutex) -> task<int> {
        auto [selected, to_x, to_y] =
            co_await when_all(on(e, select_one, x, y, mutex), send_numbers(x, 0, 10), send_numbers(y, 10, 20));
        co_return selected;
    }(ex, a, b, m));
    EXPECT_EQ(sum, 19 * 20 / 2);
    EXPECT_TRUE(m.try_lock());
}

task<int> enter_alone(async_mutex m, channel<int> inside, int times) {
    int together = 0;
    for (int i = 0; i < times; ++i) {
        auto guard = co_await m.lock();
        if (!inside.try_send(1)) ++together;
        co_await cadre::yield();
        static_cast<void>(inside.try_receive());
    }
    co_return together;
}

TEST_P(HomeObjects, a_mutex_has_one_owner_on_all_hosts) {
    const async_mutex m{ex};
    const channel<int> inside{ex, 1};
    const int together = sync_wait([](executor e, async_mutex mutex, channel<int> room) -> task<int> {
        auto [a, b, c] = co_await when_all(on(e, enter_alone, mutex, room, 20), on(e, enter_alone, mutex, room, 20),
                                           enter_alone(mutex, room, 20));
        co_return a + b + c;
    }(ex, m, inside));
    EXPECT_EQ(together, 0);
    EXPECT_TRUE(m.try_lock());
}

task<int> enter_with_permits(async_semaphore s, channel<int> inside, int i) {
    auto permits = co_await s.acquire(i % 2 + 1);
    const bool room = inside.try_send(i);
    co_await cadre::yield();
    static_cast<void>(inside.try_receive());
    co_return room ? 0 : 1;
}

TEST_P(HomeObjects, a_semaphore_admits_no_more_than_its_permits) {
    const async_semaphore s{ex, 2};
    const channel<int> inside{ex, 2};
    const auto refused = sync_wait(cadre::map(ex, cadre::bind_portable(enter_with_permits, s, inside),
                                              std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
    for (const int each : refused)
        EXPECT_EQ(each, 0);
    EXPECT_EQ(s.available(), 2u);
    EXPECT_THROW(s.release(0xffff'ffffu), std::overflow_error);
}

/// An argument that asks for an object of the program when the caller's copy ends.
struct asks_at_its_end {
    static inline const channel<int>* asked = nullptr;
    static inline int ended = 0;

    asks_at_its_end() = default;
    explicit asks_at_its_end(const channel<int>& of) : armed(true) { asked = &of; }
    asks_at_its_end(asks_at_its_end&& other) noexcept : armed(std::exchange(other.armed, false)) {}
    asks_at_its_end& operator=(asks_at_its_end&&) = delete;
    ~asks_at_its_end() {
        if (armed) ended += static_cast<int>(asked->size());
    }
    template <class A>
    void serialize(A& archive) {
        archive(number);
    }
    int number = 0;
    bool armed = false;
};

int number_of(const asks_at_its_end& a) { return a.number; }
int twice(int n) { return 2 * n; }

task<int> drop_calls(executor e, channel<int> with_one_message) {
    int sum = 0;
    for (int i = 1; i <= 3; ++i) {
        static_cast<void>(cadre::spawn(e, number_of, asks_at_its_end(with_one_message)));
        while (asks_at_its_end::ended < i)  // on the thread that reads the answers
            co_await cadre::sleep_for(1ms);
        sum += co_await on(e, twice, i);
    }
    co_return sum;
}

TEST_P(HomeObjects, a_destructor_asks_while_its_worker_reads_replies) {
    const channel<int> ch{ex, 1};
    ASSERT_TRUE(ch.try_send(1));
    EXPECT_EQ(sync_wait(timeout(soon, on(ex, drop_calls, ex, ch))), 12);
}

TEST_P(HomeObjects, objects_end_with_their_executor) {
    const channel<int> ch{ex, 1};
    const async_mutex m{ex};
    sync_wait([](executor e, channel<int> c) -> task<void> {
        auto waits = [](channel<int> empty) -> task<bool> {
            try {
                static_cast<void>(co_await timeout(soon, empty.receive()));
            } catch (const cadre::executor_stopped&) {
                co_return true;
            } catch (const cadre::timed_out&) {
            }
            co_return false;
        };
        auto ends = [](executor stopped) -> task<int> {
            co_await stopped.shutdown();
            co_return 0;
        };
        auto [stopped, ended] = co_await when_all(waits(c), ends(e));
        EXPECT_TRUE(stopped);
    }(ex, ch));
    EXPECT_THROW(static_cast<void>(ch.try_send(1)), cadre::executor_stopped);
    EXPECT_THROW(static_cast<void>(m.try_lock()), cadre::executor_stopped);
    EXPECT_THROW((channel<int>{ex, 1}), cadre::executor_stopped);
}

TEST_P(HomeObjects, what_hosts_do_not_share_is_refused_by_a_sentence) {
    try {
        const cadre::shared_array<int> array{ex, 1};
        FAIL();
    } catch (const cadre::not_portable& e) {
        EXPECT_STREQ(e.what(), "an executor of several hosts has no memory for arrays and segments: its hosts share "
                               "channels, values, locks, semaphores, events, latches, barriers and constants");
    }
    const executor processes = cadre::make_executor("process:1");
    const channel<int> of_hosts{ex, 1};
    const channel<int> of_processes{processes, 1};
    EXPECT_THROW(static_cast<void>(channel<channel<int>>(processes, 1).try_send(of_hosts)), cadre::not_portable);
    EXPECT_THROW(static_cast<void>(channel<channel<int>>(ex, 1).try_send(of_processes)), cadre::not_portable);
    EXPECT_THROW(sync_wait(on(processes, receive_one, of_hosts)), cadre::not_portable);
}

}  // namespace
