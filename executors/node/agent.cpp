#include "node/agent.hpp"

#include "node/relayed_call.hpp"

#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/detail/scheduler/shutdown_alarm.hpp>
#include <cadre/sync_wait.hpp>

#include <cstdio>
#include <exception>
#include <utility>

#include <unistd.h>

namespace cadre::detail::node {

namespace {

constexpr std::chrono::seconds leave_limit{10};
// How long an agent that leaves declines calls after it has set its credit to zero.
constexpr std::chrono::milliseconds decline_period{100};

}  // namespace

agent::agent(std::unique_ptr<node_link> link, pool_factory make_pool, std::string host)
    : make_pool_(std::move(make_pool)), host_(std::move(host)), link_(std::move(link)) {}

agent::~agent() { link_->stop(std::chrono::steady_clock::now() + leave_limit); }

void agent::serve(bool once) {
    once_ = once;
    link_->start(*this, encode_hello(agent_hello{.build = build_of_program(), .host = host_, .pid = ::getpid()}));
    for (;;) {
        drive_until([this] { return has_to_act(); });
        supervise_calls();
        std::unique_lock hold(mutex_);
        if (finished()) break;
        if (to_do_.empty()) continue;
        const std::function<void()> next = std::move(to_do_.front());
        to_do_.pop_front();
        hold.unlock();
        next();
    }
    std::unique_lock hold(mutex_);
    const executor pool = std::exchange(pool_, {});
    const std::shared_ptr<home_relay> relay = std::exchange(relay_, nullptr);
    hold.unlock();
    if (pool) end_pool(pool);
    if (relay != nullptr) relay->close();
}

bool agent::finished() const noexcept {
    return to_do_.empty() &&
           ((leaving_ && calls_.empty() && (!program_here_ || may_leave_->load(std::memory_order_acquire))) ||
            (once_ && program_ended_));
}

bool agent::has_to_act() noexcept {
    if (alarm_fired_->load(std::memory_order_acquire)) return true;
    const std::lock_guard hold(mutex_);
    return !to_do_.empty() || finished();
}

void agent::leave() noexcept {
    const std::lock_guard hold(mutex_);
    if (leaving_) return;
    leaving_ = true;
    link_->set_credit(0);
    if (pool_ && welcome_) send_status();
    static_cast<void>(shutdown_alarm::arm(clock::now() + decline_period, [fired = may_leave_] {
        fired->store(true, std::memory_order_release);
        wake_loop_drivers();
    }));
}

bool agent::has_served_program() noexcept {
    const std::lock_guard hold(mutex_);
    return generation_ != 0;
}

void agent::defer(std::function<void()> what) {
    to_do_.push_back(std::move(what));
    wake_loop_drivers();
}

void agent::program_joined(byte_buffer bytes) noexcept {
    try {
        program_hello hello = decode_program_hello(bytes.span());
        if (hello.build != build_of_program()) {
            const std::string why = other_build_text(host_, hello.build, hello.host);
            std::fprintf(stderr, "cadre: agent: %s\n", why.c_str());
            return link_->publish(target::program, 0, encode_text(message_kind::unusable, why));
        }
        const std::lock_guard hold(mutex_);
        if (program_here_) abandon_program();
        program_here_ = true;
        program_ended_ = false;
        defer([this, hello = std::move(hello), generation = ++generation_] { start_pool(hello, generation); });
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "cadre: agent: the program cannot be served: %s\n", problem.what());
    }
}

void agent::start_pool(const program_hello& hello, std::uint64_t generation) {
    const auto is_late = [&] { return generation != generation_ || !program_here_; };
    const auto relay = std::make_shared<home_relay>(*link_);
    {
        const std::lock_guard hold(mutex_);
        if (is_late()) return;
        relay_ = relay;
    }
    try {
        process_options options = hello.options;
        options.name = hello.executor_name;
        options.max_pending = 0;  // the program limits waiting calls
        executor pool =
            make_pool_(options, {.identity = hello.identity, .kind = hello.kind, .host = host_, .home = relay});
        relay->attach(pool);
        std::unique_lock hold(mutex_);
        if (is_late()) {
            hold.unlock();
            return end_pool(pool);
        }
        pool_ = std::move(pool);
        credit_ = credit_control(static_cast<std::uint32_t>(pool_.concurrency()));
        if (welcome_) announce();
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "cadre: agent: %s\n", problem.what());
        link_->publish(target::program, 0, encode_text(message_kind::unusable, problem.what()));
    }
}

void agent::announce() {
    send_status();
    link_->set_credit(leaving_ ? 0 : credit_.credit());
}

void agent::send_status() {
    reported_restarts_ = load_of(pool_).restarts;
    link_->publish(target::program, 0,
                   encode_status({.workers = static_cast<std::uint32_t>(pool_.concurrency()),
                                  .credit = leaving_ ? 0 : credit_.credit(),
                                  .restarts = reported_restarts_}));
}

void agent::program_gone() noexcept {
    const std::lock_guard hold(mutex_);
    if (program_here_) abandon_program();
    program_ended_ = true;
    wake_loop_drivers();
}

void agent::engine_gone(std::string why) noexcept {
    std::fprintf(stderr, "cadre: agent: %s\n", why.c_str());
    const std::lock_guard hold(mutex_);
    if (program_here_) abandon_program();  // it may rejoin with the engine
}

// The program has counted its calls as lost and may repeat them elsewhere: they are killed.
void agent::abandon_program() {
    link_->set_credit(0);
    program_here_ = false;
    welcome_ = false;
    epoch_ = 0;
    ++generation_;
    early_stops_.clear();
    parts_.clear();
    for (auto each = calls_.begin(); each != calls_.end();) {
        relayed_call* const call = each->second;
        ++each;  // the call may leave the table below
        if (!call->has_arguments())
            defer([call] { call->complete(failed(nullptr)); });
        else if (pool_)
            pool_.backend()->request_stop(*call, stop_reason::kill);
    }
    // Immediately: the link may join again, and a request of these workers would then begin a session that never ends.
    if (const auto relay = std::exchange(relay_, nullptr)) relay->close();
    // The next program may join before the pool has ended.
    if (pool_) defer([pool = std::exchange(pool_, {})] { end_pool(pool); });
}

void agent::end_pool(const executor& pool) { sync_wait(pool.shutdown(std::chrono::steady_clock::now())); }

}  // namespace cadre::detail::node
