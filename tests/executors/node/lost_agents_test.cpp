// An agent that goes at any message: every call ends once, and none runs more often than its retries allow.

#include "simulated_run.hpp"

#include "node/agent.hpp"
#include "node/node_backend.hpp"

#include <cadre/detail/call/call_trampoline.hpp>
#include <cadre/detail/call/packaged_call.hpp>
#include <cadre/errors.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace {

using namespace cadre::node_tests;
using cadre::executor;
using cadre::detail::call_reply;
using cadre::detail::portable_call;
using cadre::detail::reply_kind;

int identity(int x) { return x; }

/// How often each call has run, in all pools.
struct run_counts {
    std::mutex mutex;
    std::map<std::uint64_t, int> runs;
} counts;

/// Runs nothing: it answers with the arguments of the call, on a thread of its own.
class echo_pool final : public cadre::executor_backend {
public:
    echo_pool() : thread_([this] { run(); }) {}
    ~echo_pool() override {
        {
            const std::lock_guard hold(mutex_);
            ended_ = true;
            changed_.notify_all();
        }
        thread_.join();
    }
    [[nodiscard]] cadre::executor_kind kind() const noexcept override { return cadre::executor_kind::custom; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return 2; }
    [[nodiscard]] std::string name() const override { return "echo"; }
    [[nodiscard]] bool remote() const noexcept override { return true; }
    void submit(std::span<cadre::work_item* const>) noexcept override { std::abort(); }
    void submit(std::span<portable_call* const> calls) noexcept override {
        const std::lock_guard hold(mutex_);
        queue_.insert(queue_.end(), calls.begin(), calls.end());
        changed_.notify_all();
    }

private:
    void run() {
        std::unique_lock hold(mutex_);
        for (;;) {
            changed_.wait(hold, [&] { return ended_ || !queue_.empty(); });
            if (queue_.empty()) return;
            portable_call* const call = queue_.front();
            queue_.erase(queue_.begin());
            hold.unlock();
            {
                const std::lock_guard counting(counts.mutex);
                ++counts.runs[call->id];
            }
            call_reply reply;
            reply.bytes.append(call->arguments.span());
            call->complete(std::move(reply));
            hold.lock();
        }
    }
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<portable_call*> queue_;
    bool ended_ = false;
    std::thread thread_;
};

executor make_echo_pool(const cadre::process_options&, const cadre::detail::pool_role&) {
    return executor(std::make_shared<echo_pool>());
}

class counted_call final : public portable_call {
public:
    counted_call(std::uint64_t number, int retries) {
        using bound = cadre::detail::packaged_call<int (*)(int), std::tuple<int>>;
        entry = cadre::detail::trampoline_id<cadre::detail::single_call<bound>>();
        static_cast<void>(&identity);
        id = number;
        options.retries = retries;
        arguments.append(std::as_bytes(std::span(&number, 1)));
    }
    void complete(call_reply r) noexcept override {
        const std::lock_guard hold(mutex);
        reply = std::move(r);
        ++completions;
        changed.notify_all();
    }
    void wait() {
        std::unique_lock hold(mutex);
        changed.wait(hold, [&] { return completions != 0; });
    }

    std::mutex mutex;
    std::condition_variable changed;
    call_reply reply;
    int completions = 0;
};

/// A run of one program and two agents, of which one goes.
void run_with_seed(std::uint64_t seed, std::size_t lose_at, bool redelivers) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", lost at " + std::to_string(lose_at));
    constexpr std::size_t size = 12;
    counts.runs.clear();
    simulated_run run({.seed = seed, .redelivers = redelivers, .lose_agent_at = lose_at});
    std::vector<std::unique_ptr<agent>> agents;
    std::vector<std::thread> threads;
    for (int i = 0; i != 2; ++i) {
        agents.push_back(std::make_unique<agent>(run.agent(), make_echo_pool, "host " + std::to_string(i)));
        threads.emplace_back([a = agents.back().get()] { a->serve(true); });
    }
    std::vector<std::unique_ptr<counted_call>> calls;
    {
        auto program = node_backend::create({.name = "simulated", .host = "program"}, run.program());
        for (std::size_t i = 0; i != size; ++i) {
            calls.push_back(std::make_unique<counted_call>(i + 1, static_cast<int>(i % 3)));
            portable_call* const only = calls.back().get();
            program->submit(std::span(&only, 1));
        }
        for (auto& call : calls)
            call->wait();
        std::mutex mutex;
        std::condition_variable changed;
        bool closed = false;
        program->shutdown(std::chrono::steady_clock::now(), [&] {
            const std::lock_guard hold(mutex);
            closed = true;
            changed.notify_all();
        });
        std::unique_lock hold(mutex);
        changed.wait(hold, [&] { return closed; });
    }
    for (auto& a : agents)
        a->leave();
    for (auto& t : threads)
        t.join();
    const std::lock_guard hold(counts.mutex);
    for (std::size_t i = 0; i != size; ++i) {
        const counted_call& call = *calls[i];
        EXPECT_EQ(call.completions, 1) << i;
        EXPECT_LE(counts.runs[call.id], 1 + static_cast<int>(i % 3)) << i;
        if (call.reply.kind == reply_kind::value) {
            EXPECT_GE(counts.runs[call.id], 1) << i;
            EXPECT_EQ(std::memcmp(call.reply.bytes.data(), &call.id, sizeof call.id), 0) << i;
        } else {
            EXPECT_EQ(i % 3, 0u) << "one loss is within the retries";
            EXPECT_THROW(std::rethrow_exception(call.reply.error), cadre::worker_lost) << i;
        }
    }
}

TEST(lost_agents, at_any_message_lose_no_call) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed)
        for (std::size_t lose_at = 0; lose_at <= 25; ++lose_at)
            run_with_seed(seed, lose_at, true);
}

TEST(lost_agents, at_any_message_lose_no_call_where_the_link_does_not_redeliver) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed)
        for (std::size_t lose_at = 0; lose_at <= 25; ++lose_at)
            run_with_seed(seed, lose_at, false);
}

}  // namespace
