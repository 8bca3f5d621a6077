/// @file
/// A program and its agents in one process: their links are ends of a queue whose order, delays and losses come from a seed.
#pragma once

#include "node/node_link.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace cadre::node_tests {

using namespace detail::node;
using detail::byte_buffer;

/// The engine. Delivers messages one at a time, by one thread; the messages of one sender to one receiver stay in order.
class simulated_run {
public:
    struct options {
        std::uint64_t seed = 1;
        bool redelivers = true;
        std::size_t lose_agent_at = 0;  ///< the agent that is concerned goes at this delivery; 0: none does
    };

    explicit simulated_run(options o) : options_(o), random_(o.seed), thread_([this] { run(); }) {}
    simulated_run(const simulated_run&) = delete;
    simulated_run& operator=(const simulated_run&) = delete;
    ~simulated_run() {
        {
            const std::lock_guard hold(mutex_);
            ended_ = true;
            changed_.notify_all();
        }
        thread_.join();
    }

    [[nodiscard]] std::unique_ptr<node_link> program() { return std::make_unique<end>(*this, 0); }
    [[nodiscard]] std::unique_ptr<node_link> agent() { return std::make_unique<end>(*this, ++last_agent_); }
    [[nodiscard]] std::size_t lost_agents() {
        const std::lock_guard hold(mutex_);
        return lost_;
    }

private:
    struct party {
        node_link_events* events = nullptr;  // null: gone
        byte_buffer hello;
        std::uint32_t credit = 0;
        std::map<std::uint64_t, byte_buffer> unacknowledged;
    };
    struct letter {
        node_id to = 0;
        node_id from = 0;
        byte_buffer body;
    };
    struct job {
        byte_buffer body;
        bool redelivered = false;
    };

    class end final : public node_link {
    public:
        end(simulated_run& run, node_id id) : run_(run), id_(id) {}
        ~end() override { stop({}); }
        void start(node_link_events& events, byte_buffer hello) override { run_.join(id_, events, std::move(hello)); }
        void publish(target to, node_id agent, byte_buffer body) noexcept override {
            run_.publish(id_, to, agent, std::move(body));
        }
        void acknowledge(std::uint64_t tag) noexcept override { run_.acknowledge(id_, tag); }
        void set_credit(std::uint32_t messages) noexcept override { run_.set_credit(id_, messages); }
        void drain_work() noexcept override { run_.drain(); }
        [[nodiscard]] bool redelivers() const noexcept override { return run_.options_.redelivers; }
        void stop(std::chrono::steady_clock::time_point) noexcept override { run_.leave(id_); }

    private:
        simulated_run& run_;
        node_id id_;
    };

    static byte_buffer copy(const byte_buffer& b) {
        byte_buffer c;
        c.append(b.span());
        return c;
    }

    void join(node_id id, node_link_events& events, byte_buffer hello) {
        const std::lock_guard hold(mutex_);
        parties_[id].events = &events;
        parties_[id].hello = std::move(hello);
        joined_.push_back(id);
        changed_.notify_all();
    }
    // Waits for a call of its events.
    void leave(node_id id) {
        std::unique_lock hold(mutex_);
        party& p = parties_[id];
        if (p.events == nullptr) return;
        changed_.wait(hold, [&] { return calling_ != id || caller_ == std::this_thread::get_id(); });
        p.events = nullptr;
        gone_.push_back(id);
        changed_.notify_all();
    }
    void publish(node_id from, target to, node_id agent, byte_buffer body) {
        const std::lock_guard hold(mutex_);
        if (parties_[from].events == nullptr) return;  // it is cut off
        switch (to) {
            case target::work: work_.push_back({std::move(body), false}); break;
            case target::program: letters_.push_back({0, from, std::move(body)}); break;
            case target::agent: letters_.push_back({agent, from, std::move(body)}); break;
            case target::all_agents:
                for (const auto& [id, p] : parties_)
                    if (id != 0) letters_.push_back({id, from, copy(body)});
        }
        changed_.notify_all();
    }
    void acknowledge(node_id id, std::uint64_t tag) {
        const std::lock_guard hold(mutex_);
        parties_[id].unacknowledged.erase(tag);
        changed_.notify_all();
    }
    void set_credit(node_id id, std::uint32_t messages) {
        const std::lock_guard hold(mutex_);
        parties_[id].credit = messages;
        changed_.notify_all();
    }
    void drain() {
        const std::lock_guard hold(mutex_);
        drains_ = true;
        changed_.notify_all();
    }

    // These need `mutex_`.
    [[nodiscard]] node_id taker() const {
        std::vector<node_id> with_credit;
        for (const auto& [id, p] : parties_)
            if (id != 0 && p.events != nullptr && p.unacknowledged.size() < p.credit) with_credit.push_back(id);
        return with_credit.empty() ? 0 : with_credit[random_() % with_credit.size()];
    }
    template <class F>
    void call(std::unique_lock<std::mutex>& hold, node_id id, F f) {
        node_link_events* const events = parties_[id].events;
        if (events == nullptr) return;
        calling_ = id;
        caller_ = std::this_thread::get_id();
        hold.unlock();
        f(*events);
        hold.lock();
        calling_ = none;
        changed_.notify_all();
    }
    void announce_joined(std::unique_lock<std::mutex>& hold) {
        const node_id id = joined_.front();
        joined_.pop_front();
        for (const auto& [other, p] : parties_) {
            if (other == id || (id != 0 && other != 0) || p.events == nullptr || parties_[id].events == nullptr)
                continue;
            const node_id agent = id == 0 ? other : id;
            pairs_.push_back(agent);
        }
        for (const node_id agent : std::exchange(pairs_, {})) {
            call(hold, 0, [&, hello = copy(parties_[agent].hello)](node_link_events& e) mutable {
                e.agent_joined(agent, std::move(hello));
            });
            call(hold, agent, [&, hello = copy(parties_[0].hello)](node_link_events& e) mutable {
                e.program_joined(std::move(hello));
            });
        }
    }
    void announce_gone(std::unique_lock<std::mutex>& hold) {
        const node_id id = gone_.front();
        gone_.pop_front();
        if (options_.redelivers)
            for (auto& [tag, body] : parties_[id].unacknowledged)
                work_.push_front({std::move(body), true});
        parties_[id].unacknowledged.clear();
        if (id != 0) return call(hold, 0, [&](node_link_events& e) { e.agent_gone(id); });
        std::vector<node_id> agents;
        for (const auto& [agent, p] : parties_)
            if (agent != 0) agents.push_back(agent);
        for (const node_id agent : agents)
            call(hold, agent, [](node_link_events& e) { e.program_gone(); });
    }
    void lose(node_id id) {
        parties_[id].events = nullptr;
        gone_.push_back(id);
        ++lost_;
    }
    [[nodiscard]] bool no_agent() const {
        for (const auto& [id, p] : parties_)
            if (id != 0 && p.events != nullptr) return false;
        return true;
    }

    void run() {
        std::unique_lock hold(mutex_);
        for (std::size_t delivered = 0; !ended_;) {
            if (!joined_.empty()) {
                announce_joined(hold);
                continue;
            }
            if (!gone_.empty()) {
                announce_gone(hold);
                continue;
            }
            const node_id to = work_.empty() ? 0 : taker();
            const bool back = drains_ && no_agent() && !work_.empty();
            const bool letter_first = !letters_.empty() && (to == 0 || random_() % 2 == 0);
            if (letter_first) {
                letter l = std::move(letters_.front());
                letters_.pop_front();
                if (++delivered == options_.lose_agent_at && l.to + l.from != 0 &&
                    parties_[l.to + l.from].events != nullptr) {
                    lose(l.to + l.from);  // before the message is read
                    continue;
                }
                call(hold, l.to, [&](node_link_events& e) { e.received({0, l.from, false, std::move(l.body)}); });
            } else if (to != 0) {
                job j = std::move(work_.front());
                work_.pop_front();
                const std::uint64_t tag = ++last_tag_;
                parties_[to].unacknowledged.emplace(tag, copy(j.body));
                const bool lost_after = ++delivered == options_.lose_agent_at;
                call(hold, to, [&](node_link_events& e) { e.received({tag, 0, j.redelivered, std::move(j.body)}); });
                if (lost_after && parties_[to].events != nullptr) lose(to);
            } else if (back) {
                job j = std::move(work_.front());
                work_.pop_front();
                call(hold, 0, [&](node_link_events& e) { e.received({0, 0, j.redelivered, std::move(j.body)}); });
            } else {
                changed_.wait(hold);
            }
        }
    }

    static constexpr node_id none = UINT32_MAX;

    const options options_;
    mutable std::mt19937_64 random_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<node_id, party> parties_;
    std::deque<letter> letters_;
    std::deque<job> work_;
    std::deque<node_id> joined_;
    std::deque<node_id> gone_;
    std::vector<node_id> pairs_;
    std::uint64_t last_tag_ = 0;
    std::size_t lost_ = 0;
    node_id calling_ = none;
    std::thread::id caller_;
    bool drains_ = false;
    bool ended_ = false;
    node_id last_agent_ = 0;
    std::thread thread_;
};

}  // namespace cadre::node_tests
