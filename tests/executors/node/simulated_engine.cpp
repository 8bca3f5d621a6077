#include "executors/node/simulated_engine.hpp"

#include "node/message.hpp"

#include <algorithm>

namespace simulated {

namespace {

byte_buffer copy_of(const byte_buffer& from) {
    byte_buffer to;
    to.append(from.span());
    return to;
}

}  // namespace

// What it does later refers to the engine and its end, which outlive it.
class engine::link final : public node::node_link {
public:
    link(std::shared_ptr<engine> e, end& mine) : keep_(std::move(e)), engine_(*keep_), end_(mine) {}
    ~link() override { stop({}); }

    void start(node::node_link_events& events, byte_buffer hello) override {
        const std::lock_guard hold(engine_.mutex_);
        end_.events = &events;
        end_.hello = std::move(hello);
        if (!end_.is_program) return engine_.join(end_);
        for (const auto& each : engine_.ends_)
            if (!each->is_program && each->events != nullptr) engine_.join(*each);
    }
    void publish(node::target to, node::node_id agent, byte_buffer body) noexcept override {
        const std::lock_guard hold(engine_.mutex_);
        engine_.publish(end_, to, agent, std::move(body));
    }
    void acknowledge(std::uint64_t tag) noexcept override {
        const std::lock_guard hold(engine_.mutex_);
        engine_.after(&end_, nullptr, [&e = engine_, &mine = end_, tag] {
            mine.held.erase(tag);
            e.hand_out();
        });
    }
    void set_credit(std::uint32_t messages) noexcept override {
        const std::lock_guard hold(engine_.mutex_);
        end_.credit = messages;
        engine_.hand_out();
    }
    void drain_work() noexcept override {
        const std::lock_guard hold(engine_.mutex_);
        for (auto& each : std::exchange(engine_.work_, {}))
            engine_.after(nullptr, &end_,
                          [&e = engine_, &mine = end_, work = std::make_shared<waiting_work>(std::move(each))] {
                              e.report(mine, [&](auto& events) {
                                  events.received({.redelivered = work->redelivered, .body = std::move(work->body)});
                              });
                          });
    }
    [[nodiscard]] bool redelivers() const noexcept override { return engine_.options_.redelivers; }
    void stop(std::chrono::steady_clock::time_point) noexcept override {
        std::unique_lock hold(engine_.mutex_);
        if (end_.events == nullptr) return;
        end_.events = nullptr;
        if (end_.is_program) {
            for (const auto& each : engine_.ends_)
                if (!each->is_program && (each->joined || each->dead))  // those that were lost may end now
                    engine_.after(nullptr, each.get(), [&e = engine_, to = each.get()] {
                        to->joined = to->dead = false;
                        e.report(*to, [](auto& events) { events.program_gone(); });
                    });
        } else {
            engine_.leave(end_, false);
        }
        if (std::this_thread::get_id() != engine_.dispatcher_)
            engine_.changed_.wait(hold, [&] { return engine_.reporting_ != &end_; });
    }

private:
    const std::shared_ptr<engine> keep_;  // an executor may be destroyed late
    engine& engine_;
    end& end_;
};

engine::engine(const engine_options& options) : options_(options), random_(options.seed) {
    thread_ = std::thread([this] { run(); });
}

engine::~engine() {
    {
        const std::lock_guard hold(mutex_);
        ends_now_ = true;
        changed_.notify_all();
    }
    thread_.join();
}

std::unique_ptr<node::node_link> engine::program_link() {
    const std::lock_guard hold(mutex_);
    ends_.push_back(std::make_unique<end>());
    ends_.back()->is_program = true;
    return std::make_unique<link>(shared_from_this(), *ends_.back());
}

std::unique_ptr<node::node_link> engine::agent_link() {
    const std::lock_guard hold(mutex_);
    ends_.push_back(std::make_unique<end>());
    return std::make_unique<link>(shared_from_this(), *ends_.back());
}

bool engine::was_handed_over(std::uint64_t call_id) {
    const std::lock_guard hold(mutex_);
    return handed_over_.contains(call_id);
}

bool engine::restarted() {
    const std::lock_guard hold(mutex_);
    return restarted_;
}

std::uint64_t engine::messages() {
    const std::lock_guard hold(mutex_);
    return messages_;
}

bool engine::strike(fault what) {
    const std::lock_guard hold(mutex_);
    return strike_locked(what);
}

void engine::run() {
    std::unique_lock hold(mutex_);
    dispatcher_ = std::this_thread::get_id();
    while (!ends_now_) {
        if (transit_.empty()) {
            changed_.wait(hold);
            continue;
        }
        const auto next = transit_.begin();
        if (next->first > clock::now()) {
            changed_.wait_until(hold, next->first);
            continue;
        }
        if (options_.what != fault::none && !struck_ && messages_ >= options_.at_message) {
            struck_ = strike_locked(options_.what);
            if (struck_) continue;
        }
        const message m = std::move(next->second);
        transit_.erase(next);
        ++messages_;
        m.deliver();
    }
}

void engine::after(end* from, end* to, std::function<void()> deliver) {
    const auto longest = static_cast<std::uint64_t>(options_.longest_delay.count());
    auto when = clock::now() + std::chrono::microseconds(random_() % (longest + 1));
    // An acknowledgement, which goes to the engine, arrives behind everything that was published before it.
    if (from != nullptr && to == nullptr)
        for (const auto& [way, last] : last_)
            if (way.first == from) when = std::max(when, last);
    auto& last = last_[{from, to}];
    last = when = std::max(when, last);
    transit_.emplace(when, message{from, from != nullptr ? from->id : 0, std::move(deliver)});
    changed_.notify_all();
}

template <class F>
void engine::report(end& to, F event) {
    if (to.events == nullptr || to.dead) return;
    reporting_ = &to;
    node::node_link_events& events = *to.events;
    mutex_.unlock();
    event(events);
    mutex_.lock();
    reporting_ = nullptr;
    changed_.notify_all();
}

engine::end* engine::program() {
    const auto found = std::ranges::find_if(ends_, [](const auto& e) { return e->is_program && e->events != nullptr; });
    return found != ends_.end() ? found->get() : nullptr;
}

engine::end* engine::find(node::node_id id) {
    const auto found = std::ranges::find_if(ends_, [id](const auto& e) { return !e->is_program && e->id == id; });
    return found != ends_.end() ? found->get() : nullptr;
}

void engine::join(end& agent) {
    if (program() == nullptr || agent.dead) return;
    agent.id = ++last_id_;
    agent.joined = true;
    after(nullptr, program(), [this, id = agent.id, hello = std::make_shared<byte_buffer>(copy_of(agent.hello))] {
        if (end* const p = program(); p != nullptr)
            report(*p, [&](auto& events) { events.agent_joined(id, std::move(*hello)); });
    });
    after(nullptr, &agent, [this, &agent, id = agent.id] {
        const end* const p = program();
        if (p == nullptr || agent.id != id || !agent.joined) return;
        report(agent, [hello = std::make_shared<byte_buffer>(copy_of(p->hello))](auto& events) {
            events.program_joined(std::move(*hello));
        });
    });
}

// What it has not acknowledged comes back, in front of the rest. What it has sent and what has not arrived is lost.
void engine::leave(end& agent, bool by_fault) {
    if (!std::exchange(agent.joined, false)) return;
    agent.credit = 0;
    if (by_fault) std::erase_if(transit_, [&](const auto& each) { return each.second.from == &agent; });
    for (auto& [tag, body] : agent.held)
        if (options_.redelivers) work_.push_front({std::move(body), true});
    agent.held.clear();
    const auto to_program = [this, &agent] {
        after(&agent, program(), [this, id = agent.id] {
            if (end* const p = program(); p != nullptr) report(*p, [id](auto& events) { events.agent_gone(id); });
        });
    };
    if (program() != nullptr) to_program();
    hand_out();
}

void engine::note_hand_over(const byte_buffer& body) {
    if (node::kind_of(body.span()) == node::message_kind::call)
        handed_over_.insert(node::decode_call(copy_of(body)).id);
}

void engine::hand_out() {
    while (!work_.empty()) {
        std::vector<end*> free;
        for (const auto& each : ends_)
            if (!each->is_program && each->joined && !each->dead && each->held.size() < each->credit)
                free.push_back(each.get());
        if (free.empty()) return;
        end& to = *free[random_() % free.size()];
        waiting_work w = std::move(work_.front());
        work_.pop_front();
        const std::uint64_t tag = ++last_tag_;
        note_hand_over(w.body);
        to.held.emplace(tag, copy_of(w.body));
        after(nullptr, &to, [this, &to, tag, id = to.id, w = std::make_shared<waiting_work>(std::move(w))] {
            if (to.id != id || !to.joined) return;  // it has come back otherwise
            report(to, [&](auto& events) {
                events.received({.tag = tag, .redelivered = w->redelivered, .body = std::move(w->body)});
            });
        });
    }
}

void engine::publish(end& from, node::target to, node::node_id agent, byte_buffer body) {
    const auto shared = std::make_shared<byte_buffer>(std::move(body));
    const auto deliver_to = [&](end& receiver) {
        after(&from, &receiver, [this, &receiver, shared, from_id = from.id, id = receiver.id] {
            if (!receiver.is_program && (receiver.id != id || !receiver.joined)) return;
            if (!options_.redelivers && !receiver.is_program) note_hand_over(*shared);
            report(receiver, [&](auto& events) { events.received({.from = from_id, .body = copy_of(*shared)}); });
        });
    };
    switch (to) {
        case node::target::work:
            after(&from, nullptr, [this, shared] {
                work_.push_back({std::move(*shared), false});
                hand_out();
            });
            return;
        case node::target::program:
            if (end* const p = program(); p != nullptr && from.joined && !from.dead) deliver_to(*p);
            return;
        case node::target::agent:
            if (end* const a = find(agent); a != nullptr && a->joined) deliver_to(*a);
            return;
        case node::target::all_agents:
            for (const auto& each : ends_)
                if (!each->is_program && each->joined) deliver_to(*each);
            return;
    }
}

bool engine::strike_locked(fault what) {
    std::vector<end*> agents;
    for (const auto& each : ends_)
        if (!each->is_program && each->joined && !each->dead) agents.push_back(each.get());
    if (agents.empty() || program() == nullptr || (what == fault::kill && agents.size() < 2)) return false;
    if (what == fault::restart) {
        restarted_ = true;
        transit_.clear();
        work_.clear();
        for (const auto& each : ends_) {
            each->held.clear();
            each->credit = 0;
            if (!std::exchange(each->joined, false) && !each->is_program) continue;
            after(nullptr, each.get(), [this, to = each.get()] {
                report(*to, [](auto& events) { events.engine_gone("the engine cannot be reached"); });
            });
        }
        for (const auto& each : ends_)
            if (each->events != nullptr)
                after(nullptr, each.get(), [this, to = each.get()] {
                    report(*to, [](auto& events) { events.engine_back(); });
                    if (!to->is_program) join(*to);
                });
        return true;
    }
    end& victim = *agents[random_() % agents.size()];
    if (what == fault::kill) victim.dead = true;
    leave(victim, true);
    if (what == fault::cut) {
        after(nullptr, &victim, [this, &victim] {
            report(victim, [](auto& events) { events.engine_gone("the engine cannot be reached"); });
        });
        after(nullptr, &victim, [this, &victim] {
            if (victim.events == nullptr) return;
            report(victim, [](auto& events) { events.engine_back(); });
            join(victim);
        });
    }
    return true;
}

}  // namespace simulated
