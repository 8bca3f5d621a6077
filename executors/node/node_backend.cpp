#include "node/node_backend.hpp"

#include "common/deferred_destruction.hpp"

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/scheduler/shutdown_alarm.hpp>
#include <cadre/errors.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <thread>
#include <utility>

namespace cadre::detail::node {

namespace {

// How long the end of an executor waits for its agents to leave.
constexpr std::chrono::seconds leave_limit{10};

}  // namespace

call_reply failed(std::exception_ptr error) {
    call_reply reply;
    reply.kind = reply_kind::failure;
    reply.error = std::move(error);
    return reply;
}

/// A call in the pool of the program's own host. Lends the arguments of the original until it has completed.
class node_backend::local_call final : public portable_call {
public:
    local_call(node_backend& owner, call_number number, portable_call& original, int retries)
        : owner_(owner), number_(number), original_(original) {
        entry = original.entry;
        arguments = std::move(original.arguments);
        borrowed = std::move(original.borrowed);
        items = original.items;
        raw = original.raw;
        options = original.options;
        options.retries = retries;
        id = original.id;
    }
    void complete(call_reply reply) noexcept override {
        original_.arguments = std::move(arguments);
        original_.borrowed = std::move(borrowed);
        owner_.local_ended(number_, std::move(reply));
        delete this;
    }
    void take_back(std::uint32_t from) noexcept override { original_.take_back(from); }

private:
    ~local_call() = default;

    node_backend& owner_;
    const call_number number_;
    portable_call& original_;
};

node_backend::node_backend(node_settings settings, std::unique_ptr<node_link> link)
    : settings_(std::move(settings)), identity_(executor_identity::make()), host_(host_name()), link_(std::move(link)) {
}

std::shared_ptr<node_backend> node_backend::create(node_settings settings, std::unique_ptr<node_link> link) {
    std::shared_ptr<node_backend> made(new node_backend(std::move(settings), std::move(link)), &release);
    made->start();
    register_portable_executor(made->identity_, made);
    return made;
}

// The last handle may be dropped by a thread of the link, or of the local pool, which completes a call.
void node_backend::release(node_backend* last) noexcept {
    defer_destruction("executor '" + last->settings_.name + "'", [last] { delete last; });
}

node_backend::~node_backend() { link_->stop(std::chrono::steady_clock::now() + leave_limit); }

void node_backend::start() {
    if (settings_.local) {
        process_options options = settings_.pool;
        options.name = settings_.name;
        local_ = settings_.make_pool(options, identity_);
        local_workers_ = local_.concurrency();
    }
    program_hello hello;
    hello.build = build_of_program();
    hello.host = host_;
    hello.identity = identity_;
    hello.options = settings_.pool;
    hello.executor_name = settings_.name;
    link_->start(*this, encode_hello(hello));
    wait_for_nodes();
}

void node_backend::wait_for_nodes() {
    std::unique_lock hold(mutex_);
    const auto ready = [&] {
        return static_cast<std::size_t>(
            std::ranges::count_if(agents_, [](const auto& a) { return a.second.workers != 0; }));
    };
    if (joined_.wait_for(hold, settings_.nodes_wait, [&] { return ready() >= settings_.nodes; })) return;
    throw config_error("executor '" + settings_.name + "': " + std::to_string(ready()) + " of " +
                       std::to_string(settings_.nodes) + " nodes have joined within " +
                       std::to_string(std::chrono::duration_cast<std::chrono::seconds>(settings_.nodes_wait).count()) +
                       " s; start the agents before, or raise nodes_wait");
}

std::size_t node_backend::concurrency() const noexcept {
    const std::lock_guard hold(mutex_);
    return std::max<std::size_t>(1, remote_workers_ + local_workers_);
}

executor_stats node_backend::stats() const {
    executor_stats s = executor_backend::stats();
    const std::lock_guard hold(mutex_);
    s.workers = remote_workers_ + local_workers_;
    s.restarts = lost_agents_;
    return s;
}

void* node_backend::query(const std::type_info& extension) noexcept {
    if (extension == typeid(portable_identity)) return static_cast<portable_identity*>(this);
    if (extension == typeid(borrowed_arguments)) return static_cast<borrowed_arguments*>(this);
    if (extension == typeid(raw_chunks)) return static_cast<raw_chunks*>(this);
    return nullptr;
}

void node_backend::submit(std::span<work_item* const>) noexcept {
    std::terminate();  // remote: it gets no items
}

void node_backend::submit(std::span<portable_call* const> calls) noexcept {
    actions later;
    {
        const std::lock_guard hold(mutex_);
        for (portable_call* call : calls) {
            call->backend_data = nullptr;
            place(*call, call->options.retries >= 0 ? call->options.retries : settings_.pool.retries, later);
        }
    }
    perform(later);
}

void node_backend::place(portable_call& call, int retries, actions& later) {
    const call_number number = ++last_number_;
    sent_call& sent = calls_[number];
    sent.call = &call;
    sent.items = call.items;
    sent.retries = retries;
    call.backend_data = reinterpret_cast<void*>(static_cast<std::uintptr_t>(number));
    if (prefers_local()) {
        sent.local = new local_call(*this, number, call, retries);
        ++local_calls_;
        later.local.push_back(sent.local);
        later.local_numbers.push_back(number);
        return;
    }
    ++remote_calls_;
    try {
        link_->publish(target::work, 0, encode_call(number, call));
    } catch (...) {
        static_cast<void>(take(number));
        later.ended.push_back({&call, failed(std::current_exception())});
    }
}

// The side with fewer calls for each of its workers.
bool node_backend::prefers_local() const noexcept {
    if (local_workers_ == 0) return false;
    return remote_workers_ == 0 || local_calls_ * remote_workers_ <= remote_calls_ * local_workers_;
}

void node_backend::request_stop(portable_call& call, stop_reason why) noexcept {
    const std::lock_guard hold(mutex_);
    const auto number = static_cast<call_number>(reinterpret_cast<std::uintptr_t>(call.backend_data));
    if (const auto found = calls_.find(number); found != calls_.end()) request_stop_of(number, found->second, why);
}

void node_backend::request_stop_of(call_number number, sent_call& sent, stop_reason why) noexcept {
    if (why <= sent.stop) return;
    sent.stop = why;
    if (sent.local != nullptr) return local_.backend()->request_stop(*sent.local, why);
    // An agent that does not have the call remembers the request, for the call may be on its way.
    const auto to = sent.taken_by != 0 ? target::agent : target::all_agents;
    link_->publish(to, sent.taken_by, encode_note(message_kind::stop, number, static_cast<std::uint32_t>(why)));
}

void node_backend::stop_all(stop_reason why) noexcept {
    const std::lock_guard hold(mutex_);
    for (auto& [number, sent] : calls_)
        request_stop_of(number, sent, why);
}

void node_backend::shutdown(std::chrono::steady_clock::time_point deadline, std::function<void()> done) {
    const auto self = std::static_pointer_cast<node_backend>(shared_from_this());
    auto alarm = shutdown_alarm::arm(deadline, [self] { self->stop_all(stop_reason::deadline); });
    registry().close([alarm = std::move(alarm), self, done = std::move(done)]() mutable {
        alarm->cancel();
        self->close(std::move(done));
    });
}

// The last call may have been completed by a thread of the link, which cannot wait for itself.
void node_backend::close(std::function<void()> done) {
    const auto self = std::static_pointer_cast<node_backend>(shared_from_this());
    std::thread([self, done = std::move(done)] {
        self->link_->stop(std::chrono::steady_clock::now() + leave_limit);
        if (self->local_)
            self->local_.backend()->shutdown(std::chrono::steady_clock::now(), done);
        else if (done)
            done();
    }).detach();
}

std::optional<node_backend::sent_call> node_backend::take(call_number number) noexcept {
    const auto found = calls_.find(number);
    if (found == calls_.end()) return std::nullopt;
    const sent_call sent = found->second;
    calls_.erase(found);
    --(sent.local != nullptr ? local_calls_ : remote_calls_);
    sent.call->backend_data = nullptr;
    return sent;
}

void node_backend::local_ended(call_number number, call_reply reply) noexcept {
    std::optional<sent_call> sent;
    {
        const std::lock_guard hold(mutex_);
        sent = take(number);
    }
    sent->call->complete(std::move(reply));
}

void node_backend::lose(call_number number, const std::string& why, actions& later) {
    const auto sent = take(number);
    if (!sent) return;
    if (sent->retries > 0 && sent->stop == stop_reason::none && sent->items == 1)
        return place(*sent->call, sent->retries - 1, later);
    const std::string& name = sent->call->options.name;
    call_reply reply = failed(std::make_exception_ptr(
        worker_lost((name.empty() ? std::string("a task") : "task '" + name + "'") + " was lost: " + why, 0, name)));
    reply.all_begun = true;
    later.ended.push_back({sent->call, std::move(reply)});
}

std::string node_backend::host_of(node_id id) const {
    const auto found = agents_.find(id);
    return found != agents_.end() ? found->second.host : "an unknown host";
}

// A stop request that came before the pool had the call is repeated.
void node_backend::perform(actions& later) noexcept {
    if (!later.local.empty()) {
        local_.backend()->submit(std::span<portable_call* const>(later.local));
        const std::lock_guard hold(mutex_);
        for (const call_number number : later.local_numbers)
            if (const auto found = calls_.find(number);
                found != calls_.end() && found->second.stop != stop_reason::none)
                local_.backend()->request_stop(*found->second.local, found->second.stop);
    }
    for (auto& [call, reply] : later.ended)
        call->complete(std::move(reply));
}

}  // namespace cadre::detail::node
