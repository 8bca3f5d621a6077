#include "node/agent.hpp"

#include <cadre/detail/call/call_errors.hpp>
#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/errors.hpp>
#include <cadre/sync_wait.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <span>
#include <utility>

#include <unistd.h>

namespace cadre::detail::node {

namespace {

constexpr std::chrono::seconds leave_limit{10};
// An agent takes calls ahead for so long a time, so that its workers do not wait for the link.
constexpr double credit_time = 2'000'000;  // nanoseconds
constexpr std::uint32_t max_credit = 1024;
constexpr std::size_t max_early_stops = 100'000;

}  // namespace

/// A call in the pool. Deletes itself when it has completed.
class agent::relayed_call final : public portable_call {
public:
    relayed_call(agent& owner, const received_call& from, std::uint64_t delivery_tag)
        : number(from.number), tag(delivery_tag), owner_(owner) {
        entry = from.entry;
        arguments.append(from.arguments);
        items = from.items;
        raw = from.raw;
        options = from.options;
        id = from.id;
    }
    void complete(call_reply reply) noexcept override {
        owner_.ended(*this, reply);
        delete this;
    }
    void take_back(std::uint32_t from) noexcept override {
        owner_.link_->publish(target::program, 0, encode_note(message_kind::returned, number, from));
    }

    const call_number number;
    const std::uint64_t tag;

private:
    ~relayed_call() = default;

    agent& owner_;
};

agent::agent(std::unique_ptr<node_link> link, pool_factory make_pool)
    : make_pool_(make_pool), host_(host_name()), link_(std::move(link)) {}

agent::~agent() { link_->stop(std::chrono::steady_clock::now() + leave_limit); }

void agent::serve(bool once) {
    link_->start(*this, encode_hello(agent_hello{.build = build_of_program(), .host = host_, .pid = ::getpid()}));
    std::unique_lock hold(mutex_);
    for (;;) {
        changed_.wait(hold,
                      [&] { return !to_do_.empty() || (leaving_ && calls_.empty()) || (once && program_ended_); });
        if (to_do_.empty()) break;
        const std::function<void()> next = std::move(to_do_.front());
        to_do_.pop_front();
        hold.unlock();
        next();
        hold.lock();
    }
    hold.unlock();
    end_pool();
}

void agent::leave() noexcept {
    const std::lock_guard hold(mutex_);
    leaving_ = true;
    link_->set_credit(0);
    changed_.notify_all();
}

void agent::do_later(std::function<void()> what) {
    const std::lock_guard hold(mutex_);
    to_do_.push_back(std::move(what));
    changed_.notify_all();
}

void agent::program_joined(byte_buffer bytes) noexcept {
    try {
        program_hello hello = decode_program_hello(bytes.span());
        if (hello.build != build_of_program()) {
            const std::string why = "host " + hello.host + " runs build " + build_text(hello.build) +
                                    " of the program and host " + host_ + " build " + build_text(build_of_program()) +
                                    "; install the same build";
            std::fprintf(stderr, "cadre: agent: %s\n", why.c_str());
            return link_->publish(target::program, 0, encode_text(message_kind::unusable, why));
        }
        do_later([this, hello = std::move(hello)] { start_pool(hello); });
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "cadre: agent: the program cannot be served: %s\n", problem.what());
    }
}

void agent::start_pool(program_hello hello) {
    try {
        process_options options = hello.options;
        options.name = hello.executor_name;
        executor pool = make_pool_(options, hello.identity);
        const auto workers = static_cast<std::uint32_t>(pool.concurrency());
        const std::lock_guard hold(mutex_);
        pool_ = std::move(pool);
        mean_time_ = 0;
        program_ended_ = false;
        link_->publish(target::program, 0, encode_note(message_kind::ready, 0, workers));
        link_->set_credit(credit_ = std::min(2 * workers, max_credit));
    } catch (const std::exception& problem) {
        link_->publish(target::program, 0, encode_text(message_kind::unusable, problem.what()));
    }
}

void agent::program_gone() noexcept {
    const std::lock_guard hold(mutex_);
    link_->set_credit(0);
    program_ended_ = true;
    if (pool_)
        for (const auto& [number, call] : calls_)
            pool_.backend()->request_stop(*call, stop_reason::kill);  // nobody waits for them
    to_do_.push_back([this] { end_pool(); });
    changed_.notify_all();
}

void agent::end_pool() {
    executor pool;
    {
        const std::lock_guard hold(mutex_);
        pool = std::exchange(pool_, {});
        early_stops_.clear();
    }
    if (pool) sync_wait(pool.shutdown(std::chrono::steady_clock::now()));
}

void agent::engine_gone(std::string why) noexcept {
    std::fprintf(stderr, "cadre: agent: %s\n", why.c_str());
    program_gone();
}

void agent::received(delivery message) noexcept {
    try {
        const std::span<const std::byte> bytes = message.body.span();
        switch (kind_of(bytes)) {
            case message_kind::call: return run_call(message);
            case message_kind::stop: {
                const received_note note = decode_note(bytes);
                return handle_stop(note.number, static_cast<stop_reason>(std::min<std::uint32_t>(
                                                    note.value, static_cast<std::uint32_t>(stop_reason::kill))));
            }
            default: throw_malformed("a message that agents do not get");
        }
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "cadre: agent: dropped a message: %s\n", problem.what());
        if (message.tag != 0) link_->acknowledge(message.tag);
    }
}

void agent::run_call(delivery& message) {
    const received_call call = decode_call(message.body.span());
    if (message.redelivered) {
        link_->publish(target::program, 0, encode_note(message_kind::lost, call.number, 0));
        return link_->acknowledge(message.tag);
    }
    if (!is_trampoline(call.entry)) throw_malformed("a call of a function that is no task of this program");
    auto* const relayed = new relayed_call(*this, call, message.tag);
    executor pool;
    stop_reason early = stop_reason::none;
    {
        const std::lock_guard hold(mutex_);
        pool = pool_;
        calls_.emplace(call.number, relayed);
        if (const auto found = early_stops_.find(call.number); found != early_stops_.end()) {
            early = found->second;
            early_stops_.erase(found);
        }
    }
    if (!pool) return relayed->complete(failed(std::make_exception_ptr(executor_stopped{})));
    portable_call* const only = relayed;
    pool.backend()->submit(std::span(&only, 1));
    if (early != stop_reason::none) handle_stop(call.number, early);
}

void agent::handle_stop(call_number number, stop_reason why) {
    const std::lock_guard hold(mutex_);
    // A call that is in the table is alive: it leaves the table under the mutex before it is deleted.
    if (const auto found = calls_.find(number); found != calls_.end()) {
        if (pool_) pool_.backend()->request_stop(*found->second, why);
        return;
    }
    if (early_stops_.size() >= max_early_stops) early_stops_.clear();  // the oldest calls have ended long ago
    early_stops_[number] = why;
}

void agent::ended(relayed_call& call, call_reply& reply) noexcept {
    if (reply.kind == reply_kind::failure) reply.error = add_origin(reply.error, "host " + host_);
    link_->publish(target::program, 0, encode_reply(call.number, reply));
    const std::lock_guard hold(mutex_);
    link_->acknowledge(call.tag);
    calls_.erase(call.number);
    adapt_credit(reply.nanoseconds);
    if (calls_.empty()) changed_.notify_all();
}

void agent::adapt_credit(std::uint32_t nanoseconds) noexcept {
    if (nanoseconds == 0 || !pool_ || leaving_ || program_ended_) return;
    mean_time_ = mean_time_ == 0 ? nanoseconds : mean_time_ + (nanoseconds - mean_time_) / 16;
    const auto workers = static_cast<double>(pool_.concurrency());
    const auto wanted =
        static_cast<std::uint32_t>(std::min<double>(workers * (2 + credit_time / mean_time_), max_credit));
    if (wanted > credit_ + credit_ / 4 || wanted < credit_ - credit_ / 4) link_->set_credit(credit_ = wanted);
}

}  // namespace cadre::detail::node
