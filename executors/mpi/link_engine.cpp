#include "mpi/link_engine.hpp"

#include "mpi/init_guard.hpp"
#include "mpi/plugin_loader.hpp"

#include <cadre/errors.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <set>
#include <utility>

namespace cadre::detail::mpi {
namespace {

using namespace std::chrono_literals;

constexpr int host_length = 256;
// A message that arrives so soon after what it answers is worth polling for.
constexpr auto quick_answer = 200us;

std::string error_text(const cadre_mpi_functions& mpi, int error) {
    std::array<char, 512> text{};
    mpi.error_text(error, text.data(), static_cast<int>(text.size()));
    return text.data();
}

template <class T>
byte_buffer bytes_of(const T& value) {
    byte_buffer result;
    result.append(std::as_bytes(std::span(&value, 1)));
    return result;
}

}  // namespace

void link_engine::join() {
    const launch launched = check_launch();
    init_guard guard;
    mpi_ = &load_plugin();
    const int error = mpi_->init();
    guard.restore();
    if (error != 0) {
        throw config_error(
            mpi_->needs_thread_multiple() != 0
                ? "mpi: the program has initialised MPI without MPI_THREAD_MULTIPLE: request it in MPI_Init_thread"
                : "mpi: MPI_Init failed: " + error_text(*mpi_, error));
    }
    rank_ = mpi_->rank();
    size_ = mpi_->size();
    std::array<char, 256> library{};
    mpi_->library(library.data(), static_cast<int>(library.size()));
    if (rank_ != launched.rank || size_ != launched.size) {
        // With a library that does not support the launcher, each process is a job of its own.
        finalize();
        throw config_error(
            launched.rank > 0 ? std::string()
                              : "mpi: " + std::string(launched.launcher) + " started " + std::to_string(launched.size) +
                                    " processes, but " + library.data() + " sees " + std::to_string(size_) +
                                    ": start the program by the launcher of that MPI, or set CADRE_MPI_PLUGIN "
                                    "to openmpi or mpich, whichever this launcher belongs to");
    }
    const auto ranks = static_cast<std::size_t>(size_);
    std::vector<char> names(ranks * host_length);
    if (const int failed = mpi_->hosts(names.data(), host_length); failed != 0)
        throw config_error("mpi: the ranks cannot reach each other: " + error_text(*mpi_, failed));
    for (std::size_t i = 0; i < ranks; ++i) {
        const char* const name = names.data() + i * host_length;
        hosts_.emplace_back(name, ::strnlen(name, host_length));
    }
    peers_.resize(ranks);
    outbox_.emplace(*mpi_, size_);
    inbox_.emplace(*mpi_, size_);
    work_.emplace(size_);
    reports_failures_ = mpi_->failed_ranks != nullptr;
    choose_serving();
    if (!is_program()) outbox_->add(0, message_kind::hello, std::move(hello_));
}

void link_engine::choose_serving() {
    const bool one_host =
        std::ranges::all_of(hosts_, [this](const std::string& name) { return name == hosts_.front(); });
    const bool each = one_host || std::getenv("CADRE_MPI_EACH_RANK") != nullptr;
    std::set<std::string> served;
    if (options_.program_serves) served.insert(hosts_.front());
    for (std::size_t rank = 1; rank < hosts_.size(); ++rank)
        peers_[rank].serves = served.insert(hosts_[rank]).second || each;
}

bool link_engine::step() {
    // Read before the requests are taken: messages that were published before the stop are sent.
    const bool stopping = shared_.stopping.load(std::memory_order_acquire);
    bool moved = receive();
    moved = take_requests() || moved;
    if (drains_work_) drain_work();
    moved = distribute_work() || moved;
    moved = outbox_->advance() || moved;
    moved = report_credit(!moved) || moved;
    for (const int rank : outbox_->take_failed())
        lose(rank, "sending to it failed");
    if (reports_failures_ && clock::now() >= next_failure_check_) check_failures();
    if (stopping) {
        const phase before = phase_;
        advance_leaving();
        moved = moved || phase_ != before;
    }
    return moved;
}

bool link_engine::take_requests() {
    shared_.requests.take(taken_);
    for (request& what : taken_)
        if (phase_ == phase::running) send(what);
    const bool any = !taken_.empty();
    taken_.clear();
    return any;
}

void link_engine::send(request& what) {
    expects_message_ = true;
    if (what.drain) {
        drains_work_ = true;
        return;
    }
    switch (what.to) {
        case node::target::work:
            if (is_program()) work_->add(std::move(what.body));
            break;
        case node::target::program:
            if (!is_program()) outbox_->add(0, message_kind::message, std::move(what.body));
            break;
        case node::target::agent:
            if (what.agent < peers_.size() && static_cast<int>(what.agent) != rank_)
                outbox_->add(static_cast<int>(what.agent), message_kind::message, std::move(what.body));
            break;
        case node::target::all_agents:
            for (std::size_t rank = 1; rank < peers_.size(); ++rank) {
                if (peers_[rank].joined) {
                    byte_buffer copy;
                    copy.append(what.body.span());
                    outbox_->add(static_cast<int>(rank), message_kind::message, std::move(copy));
                }
            }
            break;
    }
}

void link_engine::drain_work() {
    drains_work_ = false;
    for (byte_buffer& body : work_->drain())
        events_.received({.tag = 0, .from = 0, .redelivered = false, .body = std::move(body)});
}

bool link_engine::distribute_work() {
    bool any = false;
    for (auto next = work_->next(); next.agent >= 0; next = work_->next()) {
        outbox_->add(next.agent, message_kind::work, std::move(next.body));
        any = true;
    }
    return any;
}

// Coalesces acknowledgements: sends a report when they amount to half of the credit, or when the thread is idle.
bool link_engine::report_credit(bool idle) {
    if (is_program() || program_ended_ || phase_ != phase::running) return false;
    const std::uint64_t waiting = shared_.unreported.load(std::memory_order_relaxed);
    const std::uint32_t credit = shared_.credit.load(std::memory_order_relaxed);
    const bool changed = shared_.credit_changed.load(std::memory_order_relaxed) &&
                         shared_.credit_changed.exchange(false, std::memory_order_acquire);
    if (!changed && (waiting == 0 || (!idle && waiting * 2 < credit))) return false;
    shared_.unreported.fetch_sub(waiting, std::memory_order_relaxed);
    outbox_->add(0, message_kind::credit,
                 bytes_of(credit_report{.credit = shared_.credit.load(std::memory_order_relaxed),
                                        .acknowledged = shared_.acknowledged.load(std::memory_order_acquire)}));
    static_cast<void>(outbox_->advance());
    return true;
}

bool link_engine::receive() {
    constexpr int at_once = 64;
    int received = 0;
    for (; received < at_once; ++received) {
        inbox::result what = inbox::result::nothing;
        try {
            what = inbox_->receive();
        } catch (const std::bad_alloc&) {
            lose(inbox_->from, "this process has no memory for its message");
            break;
        }
        if (what == inbox::result::nothing) break;
        if (what == inbox::result::mpi_error) {
            handle_mpi_error(inbox_->error);
            break;
        }
        if (expects_message_) messages_are_quick_ = waited_ < quick_answer;
        expects_message_ = what == inbox::result::part;
        const int from = inbox_->from;
        if (what == inbox::result::refused) {
            lose(from, "it sent a message that this version of cadre does not define");
            break;
        }
        if (what == inbox::result::message && !peer_at(from).gone) {
            if (is_program())
                handle_in_program(from);
            else
                handle_in_agent(from);
            // Replies of an event handler are sent before the next message is received.
            if (shared_.requests.any()) {
                ++received;
                break;
            }
        }
    }
    return received > 0;
}

void link_engine::handle_in_program(int from) {
    peer& agent = peer_at(from);
    byte_buffer& body = inbox_->body;
    const auto id = static_cast<node::node_id>(from);
    const bool running = phase_ == phase::running;
    switch (inbox_->kind) {
        case message_kind::hello:
            if (running && !hello_.empty() && agent.serves && !agent.joined) {
                agent.joined = true;
                byte_buffer hello;
                hello.append(hello_.span());
                outbox_->add(from, message_kind::hello, std::move(hello));
                events_.agent_joined(id, std::move(body));
            }
            return;
        case message_kind::message:
            if (running && agent.joined)
                events_.received({.tag = 0, .from = id, .redelivered = false, .body = std::move(body)});
            return;
        case message_kind::credit:
            if (body.size() == sizeof(credit_report) && agent.joined) {
                credit_report report{};
                std::memcpy(&report, body.data(), sizeof report);
                work_->report(from, report);
            }
            return;
        case message_kind::bye:
            agent.left = true;
            work_->remove(from);
            if (running && std::exchange(agent.joined, false)) events_.agent_gone(id);
            return;
        default: return lose(from, "it sent a message that only the program may send");
    }
}

void link_engine::handle_in_agent(int from) {
    peer& other = peer_at(from);
    byte_buffer& body = inbox_->body;
    const bool running = phase_ == phase::running && !program_ended_;
    if (inbox_->kind == message_kind::message) {
        if (running) {
            events_.received(
                {.tag = 0, .from = static_cast<node::node_id>(from), .redelivered = false, .body = std::move(body)});
        }
        return;
    }
    if (from != 0) return;
    switch (inbox_->kind) {
        case message_kind::hello:
            if (running && !std::exchange(other.joined, true)) events_.program_joined(std::move(body));
            return;
        case message_kind::work:
            ++work_received_;
            if (running)
                events_.received({.tag = work_received_, .from = 0, .redelivered = false, .body = std::move(body)});
            return;
        case message_kind::end:
            if (!std::exchange(program_ended_, true) && phase_ == phase::running) events_.program_gone();
            return;
        case message_kind::finalize: may_finalize_ = true; return;
        default: return;
    }
}

}  // namespace cadre::detail::mpi
