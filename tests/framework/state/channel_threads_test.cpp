// Channels under threads: no value is lost, duplicated or reordered while operations are cancelled or the channel
// closed.
#include <cadre/channel.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/errors.hpp>
#include <cadre/stop.hpp>

#include "state_test_support.hpp"

namespace {

using cadre::channel;
using cadre::task;
using state_test::local;
using state_test::on_threads;

struct item {
    std::uint32_t producer;
    std::uint32_t number;
};

/// A thread that requests a stop through the newest token, again and again.
class stopping_thread {
public:
    stopping_thread() = default;
    stopping_thread(const stopping_thread&) = delete;
    stopping_thread& operator=(const stopping_thread&) = delete;
    ~stopping_thread() {
        over_ = true;
        thread_.join();
        delete current_.load();
    }
    /// A token for the next operation.
    std::stop_token next() {
        auto* stop = new std::stop_source;
        const std::stop_token token = stop->get_token();
        delete current_.exchange(stop);
        return token;
    }

private:
    void run() {
        while (!over_.load()) {
            if (auto* stop = current_.exchange(nullptr)) {
                stop->request_stop();
                delete stop;
            } else {
                std::this_thread::yield();
            }
        }
    }

    std::atomic<std::stop_source*> current_{nullptr};
    std::atomic<bool> over_{false};
    std::thread thread_{[this] { run(); }};
};

TEST(channel_threads, order_is_kept_for_each_producer) {
    constexpr std::uint32_t count = 20'000;
    channel<item> ch{local(), 8};
    std::atomic<int> producing{2};
    std::atomic<std::uint64_t> received{0};
    on_threads(4, [&](unsigned i) -> task<> {
        if (i < 2) {
            for (std::uint32_t n = 1; n <= count; ++n)
                co_await ch.emplace(i, n);
            if (producing.fetch_sub(1) == 1) ch.close();
        } else {
            std::uint32_t last[2] = {0, 0};
            while (auto one = co_await ch.receive()) {
                EXPECT_LT(last[one->producer], one->number);
                last[one->producer] = one->number;
                received.fetch_add(one->number);
            }
        }
    });
    EXPECT_EQ(received.load(), std::uint64_t{count} * (count + 1));
}

TEST(channel_threads, batches_lose_nothing) {
    constexpr int count = 20'000;
    channel<int> ch{local(), 64};
    std::atomic<std::int64_t> sum{0};
    on_threads(3, [&](unsigned i) -> task<> {
        if (i == 0) {
            std::vector<int> numbers;
            for (int n = 1; n <= count; ++n)
                numbers.push_back(n);
            co_await ch.send_all(numbers);
            ch.close();
        } else {
            for (;;) {
                const auto some = co_await ch.receive_many(10);
                if (some.empty()) break;
                for (int n : some)
                    sum.fetch_add(n);
            }
        }
    });
    EXPECT_EQ(sum.load(), std::int64_t{count} * (count + 1) / 2);
}

// The ring is moved to a larger place, again and again, while both ends are in use.
TEST(channel_threads, grows_while_it_is_used) {
    constexpr std::uint32_t count = 50'000;
    for (int round = 0; round != 20; ++round) {
        channel<std::unique_ptr<std::uint32_t>> ch{local(), 3'000};
        std::atomic<std::uint64_t> received{0};
        on_threads(2, [&](unsigned i) -> task<> {
            if (i == 0) {
                for (std::uint32_t n = 1; n <= count / 20; ++n)
                    co_await ch.send(std::make_unique<std::uint32_t>(n));
                ch.close();
            } else {
                std::uint32_t last = 0;
                while (auto one = co_await ch.receive()) {
                    EXPECT_EQ(**one, last + 1);
                    last = **one;
                    received.fetch_add(1);
                }
            }
        });
        EXPECT_EQ(received.load(), count / 20);
    }
}

// Values sent before the close are received, also by receivers that run at the same time.
TEST(channel_threads, a_close_follows_the_values_sent_before) {
    for (int round = 0; round != 500; ++round) {
        channel<int> ch{local(), 4};
        std::atomic<int> received{0};
        on_threads(3, [&](unsigned i) -> task<> {
            if (i == 0) {
                for (int n = 0; n != 3; ++n)
                    co_await ch.send(n);
                ch.close();
            } else {
                while (co_await ch.receive())
                    received.fetch_add(1);
            }
        });
        EXPECT_EQ(received.load(), 3);
    }
}

// A cancelled receive has taken no value; any other gives its value.
TEST(channel_threads, cancelled_receives_take_nothing) {
    constexpr int rounds = 2'000;
    channel<int> ch{local(), 1};
    std::atomic<std::int64_t> sum{0};
    std::atomic<int> cancelled{0};
    stopping_thread stopper;
    on_threads(2, [&](unsigned i) -> task<> {
        if (i == 0) {
            for (int n = 1; n <= rounds; ++n) {
                // Now and then the receiver waits until a stop request has cancelled it.
                for (const int seen = cancelled.load(); n % 64 == 0 && cancelled.load() == seen;)
                    std::this_thread::yield();
                co_await ch.send(n);
            }
            ch.close();
        } else {
            for (;;) {
                const std::stop_token token = stopper.next();
                try {
                    auto got = co_await cadre::with_stop(token, ch.receive());
                    if (!got) break;
                    sum.fetch_add(*got);
                } catch (const cadre::cancelled&) {
                    cancelled.fetch_add(1);
                }
            }
        }
    });
    EXPECT_EQ(sum.load(), std::int64_t{rounds} * (rounds + 1) / 2);
}

// A cancelled send has sent nothing and keeps its value: sending it again neither loses nor duplicates it.
TEST(channel_threads, cancelled_sends_keep_their_value) {
    constexpr int rounds = 2'000;
    channel<std::unique_ptr<int>> ch{local(), 1};
    std::int64_t sum = 0;
    std::atomic<int> cancelled{0};
    stopping_thread stopper;
    on_threads(2, [&](unsigned i) -> task<> {
        if (i == 0) {
            for (int n = 1; n <= rounds; ++n) {
                auto value = std::make_unique<int>(n);
                while (value != nullptr) {
                    const std::stop_token token = stopper.next();
                    try {
                        co_await cadre::with_stop(token, ch.send(std::move(value)));
                        EXPECT_EQ(value, nullptr);
                    } catch (const cadre::cancelled&) {
                        cancelled.fetch_add(1);
                        EXPECT_NE(value, nullptr);
                        if (value == nullptr) break;
                    }
                }
            }
            ch.close();
        } else {
            int last = 0;
            while (auto got = co_await ch.receive()) {
                EXPECT_EQ(**got, last + 1);
                last = **got;
                sum += **got;
                // Now and then the sender waits until a stop request has cancelled it.
                for (const int seen = cancelled.load();
                     last % 64 == 0 && last < rounds - 1 && cancelled.load() == seen;)
                    std::this_thread::yield();
            }
        }
    });
    EXPECT_EQ(sum, std::int64_t{rounds} * (rounds + 1) / 2);
}

TEST(channel_threads, a_concurrent_close_separates_sent_from_rejected_values) {
    for (int round = 0; round < 60; ++round) {
        channel<int> ch{local(), 2};
        std::atomic<std::int64_t> sent{0};
        std::int64_t received = 0;
        on_threads(3, [&](unsigned i) -> task<> {
            if (i == 0) {
                try {
                    for (int n = 1;; ++n) {
                        co_await ch.send(n);
                        sent.fetch_add(n);
                    }
                } catch (const cadre::channel_closed&) {
                }
            } else if (i == 1) {
                while (auto got = co_await ch.receive())
                    received += *got;
            } else {
                for (int spin = 0; spin < round; ++spin)
                    std::this_thread::yield();
                ch.close();
            }
        });
        ASSERT_EQ(sent.load(), received);
    }
}

}  // namespace
