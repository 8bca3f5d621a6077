// Asio on the thread executor: workers take turns at the events; other kinds report that they have no reactor.
#include <cadre/asio.hpp>

#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cadre/cadre.hpp>

#include "framework/asio/asio_fixture.hpp"

namespace {

using namespace asio_test;
using namespace std::chrono_literals;
using cadre::sync_wait;
using cadre::thread_executor;

TEST(asio_on_threads, sockets_echo) {
    for (const int workers : {1, 2, 4}) {
        const thread_executor pool{{.workers = workers}};
        for (const std::size_t connections : {1u, 5u, 30u})
            EXPECT_EQ(sync_wait(cadre::on(pool, ping_pong, pool.handle(), connections, std::size_t{40})),
                      connections * 40 * 55);
    }
}

TEST(asio_on_threads, tasks_resume_on_the_pool) {
    const thread_executor pool{{.workers = 2, .name = "asio test"}};
    foreign_context foreign;
    sync_wait(cadre::on(
        pool,
        [&foreign](cadre::executor ex) -> task<void> {
            for (int i = 0; i < 100; ++i) {
                co_await wait_in(i % 2 == 0 ? cadre::asio_context(ex) : foreign.context,
                                 std::chrono::microseconds(i * 3));
                char name[16] = {};
                ::pthread_getname_np(::pthread_self(), name, sizeof name);
                EXPECT_STREQ(name, "asio test");
            }
        },
        pool.handle()));
}

// Composed operations are stopped while their steps run on other workers.
TEST(asio_on_threads, composed_operations_are_cancelled) {
    const thread_executor pool{{.workers = 4}};
    sync_wait(cadre::on(
        pool,
        [](cadre::executor ex) -> task<void> {
            const auto one = [](cadre::executor e, int seed) -> task<void> {
                auto [a, b] = connected_pair(cadre::asio_context(e));
                const auto trickle = [](tcp::socket& socket) -> task<void> {
                    for (int i = 0; i < 300; ++i) {
                        co_await asio::async_write(socket, asio::buffer("x", 1), use_task);
                        if (i % 10 == 0) co_await cadre::sleep_for(10us);
                    }
                    socket.shutdown(tcp::socket::shutdown_send);
                };
                const auto collect = [](tcp::socket& socket, int start) -> task<std::size_t> {
                    std::size_t got = 0;
                    for (int i = start;; ++i) {
                        std::array<char, 16> buffer{};
                        boost::system::error_code error;
                        std::size_t size = 0;
                        try {
                            std::tie(error, size) = co_await cadre::timeout(
                                std::chrono::microseconds(i % 7 * 15 + 1),
                                asio::async_read(socket, asio::buffer(buffer), asio::as_tuple(use_task)));
                        } catch (const cadre::timed_out&) {  // before it started
                        }
                        got += size;
                        if (error == asio::error::eof) co_return got;
                    }
                };
                const auto [got, sent] = co_await cadre::when_all(collect(a, seed), trickle(b));
                EXPECT_EQ(got, 300u);
            };
            cadre::scope all;
            for (int i = 0; i < 8; ++i)
                all.spawn(one(ex, i));
            co_await all.join();
        },
        pool.handle()));
}

// While a task computes inside the handler that resumed it, another worker has to watch the events.
TEST(asio_on_threads, a_computing_task_does_not_delay_events) {
    const thread_executor pool{{.workers = 2}};
    sync_wait(cadre::on(
        pool,
        [](cadre::executor ex) -> task<void> {
            std::atomic<bool> ticked{false};
            const auto compute = [](cadre::executor e, std::atomic<bool>& other) -> task<bool> {
                co_await wait_in(cadre::asio_context(e), 5ms);
                const auto until = std::chrono::steady_clock::now() + 30s;
                while (!other && std::chrono::steady_clock::now() < until) {
                }
                co_return other.load();
            };
            const auto tick = [](cadre::executor e, std::atomic<bool>& done) -> task<void> {
                co_await wait_in(cadre::asio_context(e), 20ms);
                done = true;
            };
            const auto [seen, none] = co_await cadre::when_all(compute(ex, ticked), tick(ex, ticked));
            EXPECT_TRUE(seen);
        },
        pool.handle()));
}

TEST(asio_on_threads, an_idle_pool_with_a_reactor_uses_no_cpu) {
    const thread_executor pool{{.workers = 3}};
    EXPECT_EQ(sync_wait(cadre::on(pool, ping_pong, pool.handle(), std::size_t{3}, std::size_t{20})), 3u * 20 * 55);
    sync_wait(cadre::sleep_for(50ms));
    const auto before = cpu_time();
    sync_wait(cadre::sleep_for(500ms));
    EXPECT_LT(cpu_time() - before, 100ms);
}

TEST(asio_on_threads, events_and_computing_at_the_same_time) {
    const thread_executor pool{{.workers = 3}};
    struct tree {
        static task<int> fib(int n) {
            if (n < 2) co_return n;
            const auto [a, b] = co_await cadre::when_all(fib(n - 1), fib(n - 2));
            co_return a + b;
        }
    };
    sync_wait(cadre::on(
        pool,
        [](cadre::executor ex) -> task<void> {
            const auto compute = []() -> task<int> {
                int sum = 0;
                for (int i = 0; i < 20; ++i)
                    sum += co_await tree::fib(18);
                co_return sum;
            };
            const auto [bytes, sum] = co_await cadre::when_all(ping_pong(ex, 10, 100), compute());
            EXPECT_EQ(bytes, 10u * 100 * 55);
            EXPECT_EQ(sum, 20 * 2584);
        },
        pool.handle()));
}

TEST(asio_on_threads, asio_executor_runs_on_the_workers) {
    const thread_executor pool{{.workers = 3}};
    const cadre::asio_executor ex(pool);
    auto strand = asio::make_strand(ex);
    int counted = 0;  // by the strand alone
    std::atomic<int> left{1000};
    for (int i = 0; i < 1000; ++i)
        asio::post(ex, [&] {
            asio::post(strand, [&] {
                ++counted;
                --left;
                left.notify_all();
            });
        });
    for (int n = left; n != 0; n = left)
        left.wait(n);
    EXPECT_EQ(counted, 1000);
    const auto beat = []() -> asio::awaitable<int> {
        asio::steady_timer timer(co_await asio::this_coro::executor);
        for (int i = 0; i < 20; ++i) {
            timer.expires_after(100us);
            co_await timer.async_wait(asio::use_awaitable);
        }
        co_return co_await cadre::as_asio([]() -> task<int> { co_return 20; }(), asio::use_awaitable);
    };
    EXPECT_EQ(sync_wait(asio::co_spawn(asio::make_strand(ex), beat(), use_task)), 20);
}

TEST(asio_on_threads, a_shutdown_ends_the_waits_of_tasks) {
    const cadre::executor ex = thread_executor{{.workers = 2}};
    EXPECT_TRUE(sync_wait(shutdown_ends_a_wait(ex)));
}

task<int> wait_in_worker() {
    const cadre::executor ex = co_await cadre::this_task::executor();
    co_await wait_in(cadre::asio_context(ex), 2ms);
    co_return static_cast<int>(co_await ping_pong(ex, 2, 10));
}

TEST(asio_in_processes, a_worker_has_an_io_context_and_the_parent_has_none) {
    const cadre::executor ex = cadre::process_executor{{.workers = 2}};
    EXPECT_EQ(sync_wait(cadre::on(ex, wait_in_worker)), 2 * 10 * 55);
    const auto both = sync_wait(cadre::map(ex, [](int) { return wait_in_worker(); }, std::views::iota(0, 6)));
    EXPECT_EQ(both.size(), 6u);
    try {
        (void)cadre::asio_context(ex);
        ADD_FAILURE() << "nothing thrown";
    } catch (const cadre::not_portable& e) {
        EXPECT_NE(std::string(e.what()).find("run in other processes"), std::string::npos) << e.what();
    }
}

}  // namespace
