// Runs of small messages between threads, which ThreadSanitizer watches: it does not see other processes.

#include "framework/shm/channel_fixture.hpp"

#include <array>
#include <span>
#include <thread>

namespace {

using namespace shm_test;

constexpr unsigned senders = 2;
constexpr unsigned receivers = 2;
constexpr std::uint64_t per_sender = 300;
constexpr unsigned longest = 7;  // of a run; longer than the channel, and no divisor of what there is to send

/// `sender << 32 | number`, twice: a torn message differs.
struct item {
    std::uint64_t value;
    std::uint64_t again;
};

/// What all receivers have got.
struct received {
    std::atomic<std::uint64_t> count{0};
    std::array<std::atomic<std::uint64_t>, senders> sum{};
    std::atomic<unsigned> wrong{0};
};

/// What one receiver has got: each sender's messages in order.
class checker {
public:
    explicit checker(received& all) noexcept : all_(all) {}
    void got(const item& i) noexcept {
        const auto sender = static_cast<unsigned>(i.value >> 32);
        const std::uint64_t number = i.value & 0xffff'ffff;
        if (i.value != i.again || sender >= senders || number < next_[sender]) {
            all_.wrong.fetch_add(1);
            return;
        }
        next_[sender] = number + 1;
        all_.sum[sender].fetch_add(number, std::memory_order_relaxed);
        all_.count.fetch_add(1, std::memory_order_relaxed);
    }

private:
    received& all_;
    std::array<std::uint64_t, senders> next_{};
};

/// `send(sender, first, count)` and `receive(receiver, checker)` return false if nothing was possible.
template <class Send, class Receive>
void exchange(Send send, Receive receive) {
    received all;
    std::vector<std::thread> threads;
    for (unsigned s = 0; s != senders; ++s)
        threads.emplace_back([&, s] {
            for (std::uint64_t n = 0; n != per_sender;) {
                const std::uint64_t sent = send(s, n, std::min<std::uint64_t>(longest, per_sender - n));
                n += sent;
                if (sent == 0) std::this_thread::yield();
            }
        });
    for (unsigned r = 0; r != receivers; ++r)
        threads.emplace_back([&, r] {
            checker check(all);
            while (all.count.load() + all.wrong.load() < senders * per_sender)
                if (!receive(r, check)) std::this_thread::yield();
        });
    for (std::thread& t : threads)
        t.join();
    EXPECT_EQ(all.wrong.load(), 0u);
    EXPECT_EQ(all.count.load(), senders * per_sender);
    for (const auto& sum : all.sum)
        EXPECT_EQ(sum.load(), per_sender * (per_sender - 1) / 2);
}

item item_of(unsigned sender, std::uint64_t number) noexcept {
    const std::uint64_t value = std::uint64_t{sender} << 32 | number;
    return {value, value};
}

/// Threads as processes: each has claims of its own.
TEST(shm_channel_runs, threads_exchange_runs_and_single_messages) {
    for (const std::uint64_t cells : {4u, 16u}) {
        channel_fixture f(cells);
        std::byte* const data = f.data(*f.plane);
        const auto core_of = [&](unsigned slot) {
            return shm::channel_core<>(f.plane->memory(), data, cells, {slot, 1});
        };
        exchange(
            [&](unsigned s, std::uint64_t first, std::uint64_t count) -> std::uint64_t {
                auto core = core_of(1 + s);
                const auto write = [&](shm::channel_cell& c, unsigned i) {
                    const item next = item_of(s, first + i);
                    c.length.store(sizeof next, std::memory_order_relaxed);
                    std::memcpy(c.bytes, &next, sizeof next);
                };
                unsigned sent = 0;
                if (first % 3 == 0) return core.send(bytes_of(item_of(s, first))) == op_status::done ? 1 : 0;
                return core.send_run(static_cast<unsigned>(count), write, sent) == op_status::done ? sent : 0;
            },
            [&](unsigned r, checker& check) {
                auto core = core_of(1 + senders + r);
                std::array<item, longest> items{};
                const auto fits = [](std::uint64_t length) { return length == sizeof(item); };
                const auto copy = [&](const shm::channel_cell& c, unsigned i) {
                    std::memcpy(&items[i], c.bytes, sizeof(item));
                };
                const unsigned count = core.receive_run(longest, fits, copy);
                for (unsigned i = 0; i != count; ++i)
                    check.got(items[i]);
                if (count != 0) return true;
                byte_buffer one;
                unsigned skipped = 0;
                if (core.receive(one, skipped) != op_status::done) return false;
                check.got(value_of<item>(one).value_or(item{1, 0}));
                return true;
            });
    }
}

/// Threads of one process, whose claims are the same.
TEST(shm_channel_runs, threads_of_a_process_use_one_channel) {
    channel_fixture f(16);
    exchange(
        [&](unsigned s, std::uint64_t first, std::uint64_t count) -> std::uint64_t {
            std::array<item, longest> items{};
            for (std::uint64_t i = 0; i != count; ++i)
                items[i] = item_of(s, first + i);
            return f.channel->try_send_run(std::as_bytes(std::span(items).first(count)), sizeof(item));
        },
        [&](unsigned, checker& check) {
            std::array<item, longest> items{};
            const std::size_t count =
                f.channel->try_receive_run(std::as_writable_bytes(std::span(items)), sizeof(item));
            for (std::size_t i = 0; i != count; ++i)
                check.got(items[i]);
            return count != 0;
        });
}

}  // namespace
